"""Trade-off area and gain ratio: identities, by hand, and against a brute-force oracle."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.curves import concave_hull
from penstock.errors import InputError
from penstock.evaluation.tradeoff import RATIOS, Curve, Ends, perfect_when_routed, token_cost

SEEDS = st.integers(0, 10_000)


def world(seed: int, n: int = 80, ratio: float = 13.75) -> Ends:
    """The large model solves more, answers vary in length."""
    rng = np.random.default_rng(seed)
    small, large = rng.random(n) < 0.5, rng.random(n) < 0.8
    tokens = rng.integers(20, 200, size=(2, n)).astype(float)
    everyone, nobody = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    return Ends(
        small.astype(float),
        token_cost(ratio, small=tokens[0], large=tokens[1], routed=nobody),
        large.astype(float),
        token_cost(ratio, small=np.zeros(n), large=tokens[1], routed=everyone),
    )


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from(RATIOS))
def test_random_is_zero_and_golden_is_one(seed: int, ratio: float) -> None:
    ends = world(seed, ratio=ratio)
    assert ends.toa(ends.random()) == pytest.approx(sum(ends.accuracy) / 2)
    assert ends.togr(ends.random()) == pytest.approx(0.0, abs=1e-12)
    assert ends.togr(ends.golden()) == pytest.approx(1.0)
    assert ends.togr(ends.strategy_a()) <= 1.0


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_random_router_swept_over_its_probability_is_the_random_line(seed: int) -> None:
    ends = world(seed)
    share = np.linspace(0.1, 0.9, 9)
    cost = (1 - share) * ends.small_cost.mean() + share * ends.large_cost.mean()
    accuracy = (1 - share) * ends.accuracy[0] + share * ends.accuracy[1]
    if ends.accuracy[1] >= ends.accuracy[0]:
        assert ends.togr(ends.curve(cost, accuracy)) == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_no_assignment_of_queries_beats_the_golden_curve(seed: int) -> None:
    ends = world(seed, n=8)
    golden = ends.golden()
    for routed in product([False, True], repeat=8):
        to_large = np.array(routed)
        cost = float(ends.normalised(np.where(to_large, ends.large_cost, ends.small_cost)).mean())
        accuracy = float(np.where(to_large, ends.large, ends.small).mean())
        hull = concave_hull(golden.cost, golden.accuracy)
        best = np.interp(cost, golden.cost[hull], golden.accuracy[hull])
        if cost >= golden.cost[0]:
            assert accuracy <= best + 1e-9


def test_the_golden_curve_is_above_the_straight_line_where_costs_differ() -> None:
    """Papers E6: the line to the Strategy-B point is no bound; the cheap gains come first."""
    ends = Ends(
        np.array([0.0, 0.0, 1.0, 1.0]), np.full(4, 1.0), np.ones(4), np.array([10.0, 90.0, 50.0, 50.0])
    )
    golden = ends.golden()
    assert golden.cost.tolist() == [1 / 50, (4 + 9) / 200, (4 + 9 + 89) / 200]
    assert golden.accuracy.tolist() == [0.5, 0.75, 1.0]


def test_with_a_perfect_large_model_both_oracles_coincide() -> None:
    ends = world(3).perfect()
    a, b = ends.strategy_a(), ends.golden()
    assert ends.toa(a) == pytest.approx(ends.toa(b))
    assert ends.togr(a) == pytest.approx(1.0)
    routed = np.array([True, False, False])
    assert perfect_when_routed(np.array([0.0, 0.0, 1.0]), routed).tolist() == [1.0, 0.0, 1.0]


def test_a_cascade_that_starts_dear_is_mixed_with_the_small_model_alone_and_ends_no_lower() -> None:
    ends = Ends(np.array([0.0, 1.0]), np.ones(2), np.array([1.0, 0.0]), np.full(2, 10.0))
    curve = ends.curve(np.array([6.0, 30.0, 4.0]), np.array([0.9, 0.2, 0.7]))
    assert curve.cost.tolist() == [0.1, 0.4, 0.6, 1.0]
    assert curve.accuracy.tolist() == [0.5, 0.7, 0.9, 0.9]
    assert ends.toa(curve) == pytest.approx((0.3 * 0.6 + 0.2 * 0.8 + 0.4 * 0.9) / 0.9)


def test_nothing_to_gain_is_no_number() -> None:
    same = np.array([1.0, 0.0])
    ends = Ends(same, np.ones(2), same, np.full(2, 10.0))
    assert np.isnan(ends.togr(ends.random()))


@pytest.mark.parametrize(
    ("small_cost", "large_cost", "said"),
    [(2.0, 1.0, "must cost less"), (1.0, np.nan, "finite"), (0.0, 0.0, "finite")],
)
def test_ends_that_mean_nothing_are_refused(small_cost: float, large_cost: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Ends(np.zeros(2), np.full(2, small_cost), np.ones(2), np.full(2, large_cost))


def test_the_large_model_alone_is_at_one_and_cancelled_tokens_are_paid() -> None:
    cost = token_cost(
        25.0, small=np.array([30.0, 12.0]), large=np.array([4.0, 6.0]), routed=np.array([False, True])
    )
    assert cost.tolist() == [30.0, 162.0]
    with pytest.raises(InputError, match="ratio"):
        token_cost(0.0, small=np.ones(1), large=np.ones(1), routed=np.ones(1, dtype=bool))
    assert Curve(np.array([0.1]), np.array([0.5])).cost[0] == 0.1
