"""Thresholds on a score, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.training.hybrid.score_routing import calibrate, drop_of, held_out, sweep_scores
from penstock.types import FloatArray


def world(n: int = 60, *, seed: int = 0, ties: bool = False) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores that know a little of the gap; qualities like log-likelihoods, below 0."""
    rng = np.random.default_rng(seed)
    large = -rng.uniform(1, 3, n)
    small = large - rng.normal(0.4, 0.6, n)
    score = 1 / (1 + np.exp(-(small - large) - rng.normal(0, 0.5, n)))
    return (np.round(score, 1) if ties else score), small, large


@pytest.mark.parametrize("ties", [False, True])
def test_every_threshold_is_what_it_says(ties: bool) -> None:
    score, small, large = world(ties=ties)
    sweep = sweep_scores(score, small, large)
    assert (sweep.advantage[0], sweep.drop[0], sweep.advantage[-1]) == (0.0, 0.0, 1.0)
    for threshold, advantage, drop, separation in zip(
        sweep.threshold, sweep.advantage, sweep.drop, sweep.separation, strict=True
    ):
        sent = score > threshold
        mixed = np.where(sent, small, large).mean()
        assert advantage == pytest.approx(sent.mean())
        assert drop == pytest.approx(100 * (large.mean() - mixed) / abs(large.mean()))
        if 0 < sent.mean() < 1:
            gap = small - large
            assert separation == pytest.approx(gap[sent].mean() - gap[~sent].mean())


@given(st.integers(0, 10_000), st.floats(0, 30), st.booleans())
def test_calibration_keeps_the_limit_and_takes_all_it_allows(seed: int, limit: float, ties: bool) -> None:
    score, small, large = world(25, seed=seed, ties=ties)
    found = calibrate(score, small, large, limit=limit)
    assert found.drop <= limit
    again = held_out(found.threshold, score, small, large)
    assert (again.advantage, again.drop) == pytest.approx((found.advantage, found.drop), abs=1e-9)
    sweep = sweep_scores(score, small, large)
    assert not ((sweep.advantage > found.advantage) & (sweep.drop <= limit)).any()


def test_where_nothing_is_allowed_everything_goes_to_the_stronger_model() -> None:
    score, large = np.linspace(0, 1, 11), np.ones(11)
    found = calibrate(score, large - 0.5, large, limit=1.0)
    assert (found.advantage, found.drop) == (0.0, 0.0)
    assert not (score > found.threshold).any()


def test_where_the_weaker_model_is_as_good_it_gets_everything() -> None:
    found = calibrate(np.array([0.0, 0.5, 1.0]), np.ones(3), np.ones(3), limit=0.0)
    assert found.advantage == 1.0


def test_random_routing_separates_nothing_and_loses_in_proportion() -> None:
    _, small, large = world(4000)
    sweep = sweep_scores(np.random.default_rng(3).random(4000), small, large)
    inner = (sweep.advantage > 0.1) & (sweep.advantage < 0.9)
    assert np.abs(sweep.separation[inner]).max() < 0.1
    whole = drop_of(np.ones(4000), small, large)
    assert sweep.drop_at(0.5) == pytest.approx(whole / 2, rel=0.1)


def test_equal_scores_are_split_at_random() -> None:
    small, large = np.array([0.0, 1.0]), np.array([1.0, 1.0])
    sweep = sweep_scores(np.array([0.5, 0.5]), small, large)
    assert sweep.drop_at(0.5) == pytest.approx(25.0)


@pytest.mark.parametrize("bad", [np.array([np.nan, 1.0]), np.zeros(2), np.ones(3)])
def test_numbers_that_do_not_fit_are_refused(bad: FloatArray) -> None:
    with pytest.raises(InputError):
        sweep_scores(np.ones(2), np.ones(2), bad)


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(InputError, match="at least 0"):
        calibrate(np.ones(2), np.ones(2), np.ones(2), limit=-1.0)
