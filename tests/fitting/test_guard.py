"""The guard: nothing replaces the mix without evidence (docs/decisions/0002)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from penstock.belief import OwnAnswerBelief
from penstock.core.curves import concave_hull
from penstock.estimators.base import Estimator
from penstock.estimators.crossfit import crossfit
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.ex_ante.neighbours import NearestNeighbours
from penstock.estimators.features import Inputs
from penstock.estimators.post_hoc.base import whole
from penstock.estimators.shrinkage import fit_shrinkage
from penstock.fitting.guard import advantages, clears_mix
from penstock.fitting.sweep import Sweep, sweep
from penstock.policies.fixed import every_candidate
from penstock.policies.routing import Routing
from tests.policies.evidence import evidence_of

TABLES = 240
RIDGE = Ridge((3.0,))
MEANS = np.array([0.35, 0.6, 0.75])
COST = np.array([1.0, 3.0, 10.0])


def contest(
    seed: int, *, n: int, signal: float, shrink: bool, kind: Estimator = RIDGE
) -> tuple[Sweep, Sweep]:
    """Routing swept on cross-fitted estimates, and the fixed candidates, on one small table."""
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, 4))
    inputs = Inputs(dense, np.ones(n), np.full(n, "", dtype=np.str_))
    easy = signal * dense[:, :1] * np.array([0.3, 0.15, 0.0])
    quality = (rng.random((n, 3)) < MEANS + easy).astype(float)
    cost = COST * rng.uniform(0.7, 1.3, (n, 3))
    weight = np.ones((n, 3))
    raw = crossfit(kind, inputs, quality, weight, np.arange(n) % 3, seed=0)
    if shrink:
        raw = fit_shrinkage(raw, quality, weight, quality.mean(axis=0)).apply(raw)
    beliefs = OwnAnswerBelief(np.clip(raw, 0, 1), raw, np.tile(COST, (n, 1)), np.zeros(n))
    policies = Routing.search_space(evidence_of(beliefs, quality.mean(axis=0), cost.mean(axis=0)))[::5]
    parts = whole(beliefs, n)
    return sweep(policies, parts, quality, cost, 2), sweep(every_candidate(3), parts, quality, cost, 2)


def share_cleared(*, n: int, signal: float, shrink: bool, kind: Estimator, tables: int) -> float:
    cleared = [
        clears_mix(
            *contest(seed, n=n, signal=signal, shrink=shrink, kind=kind), np.arange(n), seed=seed
        ).any()
        for seed in range(tables)
    ]
    return float(np.mean(cleared))


@pytest.mark.parametrize("shrink", [True, False])
@pytest.mark.parametrize("n", [60, 150])
@pytest.mark.parametrize("kind", [RIDGE, NearestNeighbours(k=10)], ids=["ridge", "knn"])
def test_where_nothing_can_be_learned_nothing_clears(kind: Estimator, n: int, shrink: bool) -> None:
    """Qualities independent of prompts: no point of any contender is above the mix in more than 5% of
    tables. Nearest neighbours judge each other, so their errors are the hardest to bound."""
    rate = share_cleared(n=n, signal=0.0, shrink=shrink, kind=kind, tables=TABLES)
    assert rate <= binom.ppf(0.99, TABLES, 0.05) / TABLES


def test_a_strong_signal_clears() -> None:
    assert share_cleared(n=600, signal=1.0, shrink=True, kind=RIDGE, tables=20) >= 0.9


def test_an_advantage_is_the_distance_to_the_mix_at_the_same_cost() -> None:
    contenders, singles = contest(0, n=120, signal=1.0, shrink=True)
    found = advantages(contenders, singles).mean(axis=1)
    cost, quality = singles.cost.mean(axis=1), singles.quality.mean(axis=1)
    hull = concave_hull(cost, quality)
    x, y = cost[hull], quality[hull]
    spent, reached = contenders.cost.mean(axis=1), contenders.quality.mean(axis=1)
    below = y[0] - (x[0] - spent) * (y[1] - y[0]) / (x[1] - x[0])
    mix = np.where(spent < x[0], below, np.interp(spent, x, y))
    np.testing.assert_allclose(found, reached - mix, atol=1e-12)


def test_a_fixed_candidate_is_not_above_itself() -> None:
    _, singles = contest(0, n=60, signal=0.0, shrink=True)
    assert np.abs(advantages(singles, singles).mean(axis=1)[[0, 2]]).max() <= 1e-12
    assert not clears_mix(singles, singles, np.arange(60)).any()


def test_one_question_is_no_evidence() -> None:
    contenders, singles = contest(0, n=300, signal=1.0, shrink=True)
    assert clears_mix(contenders, singles, np.arange(300)).any()
    assert not clears_mix(contenders, singles, np.zeros(300, dtype=int)).any()


def test_no_contender_no_verdict() -> None:
    contenders, singles = contest(0, n=60, signal=0.0, shrink=True)
    assert clears_mix(contenders.take([]), singles, np.arange(60)).shape == (0,)
