"""Prices per step: never worse than one price, never beyond the budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.belief import OwnAnswerBelief
from penstock.errors import InputError
from penstock.fitting.step_lambdas import TOLERANCE, StepTuned, tune_steps
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.mixture import Mixture
from penstock.router.replay import replay
from penstock.types import FloatArray

COST = np.array([1.0, 3.0, 10.0])
ROUTING = CascadeRouting((1.0,), max_depth=3, draws=32)
CASCADE = OptimalCascade((0, 1, 2), (1.0,), max_depth=3, draws=32)


Rows = tuple[OwnAnswerBelief, FloatArray, FloatArray]


def world(seed: int, n: int = 80) -> Rows:
    """Estimates off by a varying amount: what happens is not what is expected."""
    rng = np.random.default_rng(seed)
    true = np.clip(
        np.array([0.45, 0.6, 0.75]) + 0.3 * rng.normal(size=(n, 1)) + 0.1 * rng.normal(size=(n, 3)), 0, 1
    )
    quality = (rng.random((n, 3)) < true).astype(float)
    ex_ante = np.clip(true + 0.2 * rng.normal(size=(n, 3)), 0, 1)
    post_hoc = np.clip(0.5 * ex_ante + 0.5 * quality + 0.1 * rng.normal(size=(n, 3)), 0, 1)
    cost = COST * rng.uniform(0.5, 1.5, size=(n, 3))
    beliefs = OwnAnswerBelief(ex_ante, post_hoc, np.tile(COST, (n, 1)), rng.random(n), np.full((n, 3), 0.3))
    return beliefs, quality, cost


def mean_of(policy: CascadeRouting | OptimalCascade, rows: Rows) -> tuple[float, float]:
    done = replay(policy, *rows)
    return float(done.cost.mean()), float(done.quality.mean())


@given(seed=st.integers(0, 1000), budget=st.floats(1.2, 12.0), cascade=st.booleans())
@settings(max_examples=15, deadline=None)
def test_it_is_never_worse_than_one_price_and_never_overspends(
    seed: int, budget: float, cascade: bool
) -> None:
    rows = world(seed)
    tuned = tune_steps(CASCADE if cascade else ROUTING, *rows, budget, trials=12, seed=seed)
    assert tuned.feasible
    assert tuned.best.quality >= tuned.single.quality
    assert tuned.best.cost <= budget * (1 + TOLERANCE) * (1 + 1e-12)
    assert tuned.deterministic.cost <= budget * (1 + TOLERANCE)
    assert tuned.best.quality >= tuned.deterministic.quality - 1e-12
    check_reached(tuned, rows)


def check_reached(tuned: StepTuned, rows: Rows) -> None:
    """What is said to be reached is what a replay gives, branch by branch."""
    for reached in (tuned.best, tuned.single, tuned.deterministic):
        policy = reached.policy
        if isinstance(policy, Mixture):
            cheap, expensive = mean_of(policy.cheap, rows), mean_of(policy.expensive, rows)
            expected = [
                policy.gamma * a + (1 - policy.gamma) * b for a, b in zip(cheap, expensive, strict=True)
            ]
        else:
            expected = list(mean_of(policy, rows))
        assert [reached.cost, reached.quality] == pytest.approx(expected, rel=1e-9)


def test_the_single_price_is_the_best_of_a_dense_grid() -> None:
    rows = world(3, n=300)
    for budget in (2.0, 5.0):
        single = tune_steps(ROUTING, *rows, budget, trials=0).single
        dense = [
            mean_of(CascadeRouting((lam,), max_depth=3, draws=32), rows)
            for lam in np.geomspace(1e-4, 10, 150)
        ]
        assert single.quality >= max(q for c, q in dense if c <= budget) - 0.002


def test_prices_of_their_own_can_beat_one_price() -> None:
    rows = world(3, n=300)
    tuned = tune_steps(ROUTING, *rows, 3.0, trials=60, seed=0)
    assert tuned.best.quality > tuned.single.quality + 0.002
    again = tune_steps(ROUTING, *rows, 3.0, trials=60, seed=0)
    assert (again.best, again.tried) == (tuned.best, tuned.tried), "seeded"
    assert tuned.tried > 60


def test_a_budget_out_of_reach_is_flagged_and_costs_the_least_there_is() -> None:
    rows = world(1)
    cheapest = rows[2][:, 0].mean()
    tuned = tune_steps(ROUTING, *rows, cheapest * 0.9, trials=5)
    assert not tuned.feasible
    assert tuned.best.cost == pytest.approx(cheapest)
    assert tuned.best == tuned.single == tuned.deterministic
    nothing = tune_steps(CASCADE, *rows, 0.0, trials=5)
    assert not nothing.feasible


def test_a_slack_budget_is_not_a_reason_to_spend() -> None:
    rows = world(2)
    tuned = tune_steps(ROUTING, *rows, 1e9, trials=5)
    assert tuned.feasible
    assert tuned.best.cost <= 3 * COST.sum()


def test_free_candidates_meet_a_budget_of_nothing() -> None:
    beliefs, quality, cost = world(4)
    free = np.zeros_like(cost)
    tuned = tune_steps(
        ROUTING,
        OwnAnswerBelief(beliefs.ex_ante, beliefs.post_hoc, free, beliefs.draw, beliefs.shift_sd),
        quality,
        free,
        0.0,
        trials=4,
    )
    assert tuned.feasible
    assert tuned.best.cost == 0.0


@pytest.mark.parametrize(
    "bad", [{"budget": -1.0}, {"budget": float("nan")}, {"budget": float("inf")}, {"trials": -1}]
)
def test_settings_that_make_no_sense(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        tune_steps(ROUTING, *world(0), **{"budget": 3.0, "trials": 1, **bad})
