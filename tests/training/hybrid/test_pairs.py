"""Labels of pairs of models against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from penstock.errors import InputError
from penstock.training.hybrid.pairs import (
    best_transformation,
    first_sample_label,
    mean_pairwise_difference,
    transformation_grid,
    win_share,
    win_shares,
)
from penstock.types import FloatArray

coarse = st.integers(-3, 3).map(lambda v: v / 2)
"""Few distinct qualities, so that ties are common."""


@st.composite
def samples(draw: st.DrawFn) -> tuple[FloatArray, FloatArray]:
    n, s, big = (draw(st.integers(1, high)) for high in (6, 4, 4))
    return draw(arrays(np.float64, (n, s), elements=coarse)), draw(
        arrays(np.float64, (n, big), elements=coarse)
    )


def brute_share(small: FloatArray, large: FloatArray, t: float) -> list[float]:
    return [
        float(np.mean([lq - sq <= t for sq in s for lq in big])) for s, big in zip(small, large, strict=True)
    ]


def brute_spread(labels: FloatArray) -> float:
    return float(np.abs(labels[:, None] - labels[None, :]).mean())


@given(samples(), st.sampled_from([0.0, 0.5, 1.0, 7.0]))
def test_the_share_counts_every_pair(pair: tuple[FloatArray, FloatArray], t: float) -> None:
    np.testing.assert_allclose(win_share(*pair, t), brute_share(*pair, t), atol=1e-12)


@given(samples())
def test_labels_grow_with_t_and_begin_at_the_probability(pair: tuple[FloatArray, FloatArray]) -> None:
    grid = transformation_grid(*pair)
    shares = win_shares(*pair, grid)
    assert grid[0] == 0.0
    np.testing.assert_array_equal(shares[:, 0], win_share(*pair))
    assert (np.diff(shares, axis=1) >= 0).all()
    assert ((shares >= 0) & (shares <= 1)).all()


@given(samples())
def test_the_grid_holds_actual_differences(pair: tuple[FloatArray, FloatArray]) -> None:
    small, large = pair
    differences = {float(x) for x in (large[:, None, :] - small[:, :, None]).ravel()}
    grid = transformation_grid(small, large)
    assert set(grid[1:].tolist()) <= {d for d in differences if d > 0}
    assert len(grid) <= 201
    assert (np.diff(grid) > 0).all()


@given(arrays(np.float64, st.integers(1, 25), elements=st.floats(0, 1)))
def test_the_mean_pairwise_difference_is_that_of_all_pairs(labels: FloatArray) -> None:
    found = mean_pairwise_difference(labels[:, None])[0]
    assert found == pytest.approx(brute_spread(labels), abs=1e-12)


@settings(max_examples=60)
@given(samples())
def test_the_best_t_is_the_smallest_that_separates_most(pair: tuple[FloatArray, FloatArray]) -> None:
    spreads = [brute_spread(np.array(brute_share(*pair, t))) for t in transformation_grid(*pair)]
    best = best_transformation(*pair)
    at = transformation_grid(*pair).tolist().index(best)
    assert spreads[at] == pytest.approx(max(spreads), abs=1e-12)
    assert all(s < max(spreads) - 1e-13 for s in spreads[:at])


def test_a_difference_of_exactly_t_counts_although_a_sum_would_miss_it() -> None:
    small, large = np.array([[0.2]]), np.array([[0.9]])
    t = float(large[0, 0] - small[0, 0])
    assert small[0, 0] + t < large[0, 0]  # what searchsorted on q_small + t would compare
    assert win_share(small, large, t) == [1.0]


def test_no_positive_difference_gives_zero() -> None:
    assert best_transformation(np.full((3, 2), 2.0), np.ones((3, 4))) == 0.0


def test_right_or_wrong_answers_leave_nothing_to_transform() -> None:
    rng = np.random.default_rng(0)
    small, large = (rng.random((40, 10)) < 0.3).astype(float), (rng.random((40, 10)) < 0.9).astype(float)
    assert transformation_grid(small, large).tolist() == [0.0, 1.0]
    assert best_transformation(small, large) == 0.0


def test_a_large_gap_is_balanced_by_t() -> None:
    rng = np.random.default_rng(1)
    hard = rng.normal(size=(300, 1))
    small, large = rng.normal(size=(300, 10)) - 5 - hard, rng.normal(size=(300, 10))
    t = best_transformation(small, large)
    assert win_share(small, large).mean() < 0.05
    assert 0.3 < win_share(small, large, t).mean() < 0.7


def test_missing_samples_are_left_out() -> None:
    small = np.array([[1.0, np.nan], [0.0, 0.0]])
    large = np.array([[np.nan, 0.5], [1.0, 0.0]])
    np.testing.assert_array_equal(win_share(small, large), [1.0, 0.5])
    whole = np.array([[1.0], [0.0]])
    np.testing.assert_array_equal(first_sample_label(whole, np.array([[1.0], [0.5]])), [1.0, 0.0])


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (np.ones((2, 3)), np.ones((3, 3))),
        (np.ones((0, 3)), np.ones((0, 3))),
        (np.array([[np.nan]]), np.ones((1, 1))),
        (np.array([[-np.inf]]), np.ones((1, 1))),
    ],
)
def test_samples_that_do_not_fit_are_refused(small: FloatArray, large: FloatArray) -> None:
    with pytest.raises(InputError):
        win_share(small, large)


def test_a_missing_first_sample_is_refused_for_the_deterministic_label() -> None:
    with pytest.raises(InputError, match="first sample"):
        first_sample_label(np.array([[np.nan, 1.0]]), np.ones((1, 2)))
