"""Prices per step and depth of cascade routing and the optimal cascade, for one budget (De Koninck et al.
2025, Theorems 2, 3).

With optimal adaptive decisions one price for all steps is enough (docs/references.md, correction 2); prices
of their own repair the open-loop score, which charges a whole set although the policy may stop early, and
estimates that are off. The search starts from the exact single-price solution and is never worse than it on
the tuning rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penstock.belief import Belief
from penstock.core.curves import concave_hull
from penstock.core.lambda_grid import PRICED_OUT, lambda_grid, steepest
from penstock.errors import InputError, MissingExtra
from penstock.policies.base import Policy
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.mixture import mixture_of
from penstock.router.replay import replay
from penstock.types import FloatArray

TOLERANCE = 1e-9
"""Of the budget: what is spent beyond it counts as rounding. The one tolerance of all that follows."""
RANGE = 100.0
"""Prices of single steps are sought within this factor of the shared one."""
_GRID = 24
_HALVINGS = 12

Sequential = CascadeRouting | OptimalCascade


@dataclass(frozen=True)
class Reached:
    """A policy with its mean ``cost`` and ``quality`` on tuning rows; of a mixture in expectation over its
    draws."""

    policy: Policy
    cost: float
    quality: float


@dataclass(frozen=True)
class StepTuned:
    """``best``: the best found within the budget, two settings mixed where that spends it exactly;
    ``single``: the same with one price for all steps; ``deterministic``: the best unmixed setting.

    ``feasible`` False: even the cheapest setting costs more than the budget; all three are then that one, and
    their cost says by how much it is overspent. ``tried`` settings were replayed.
    """

    best: Reached
    single: Reached
    deterministic: Reached
    feasible: bool
    tried: int

    @property
    def policy(self) -> Policy:
        """The tuned policy."""
        return self.best.policy


def tune_steps(
    policy: Sequential,
    beliefs: Belief,
    quality: FloatArray,
    cost: FloatArray,
    budget: float,
    *,
    trials: int = 100,
    seed: int = 0,
) -> StepTuned:
    """Prices per step and a depth up to ``policy.max_depth`` for mean cost ``budget``; other settings stay.

    ``quality`` and ``cost`` (n, k) are the true outcomes of the tuning rows. ``trials`` settings are drawn by
    the tree-structured Parzen estimator (log scale, ``seed``); 0 gives the single-price solution. Raises
    InputError for a budget that is no number >= 0 and MissingExtra without optuna.
    """
    if not np.isfinite(budget) or budget < 0:
        raise InputError(f"must be a finite number >= 0, not {budget}", field="budget")
    if trials < 0:
        raise InputError(f"must be >= 0, not {trials}", field="trials")
    rows = _Rows(beliefs, quality, cost, budget)
    singles = _single_prices(policy, rows)
    single = _blend(singles, budget)
    within = [item for item in singles if rows.affords(item.cost)]
    if not within:
        cheapest = min(singles, key=lambda item: item.cost)
        return StepTuned(cheapest, cheapest, cheapest, feasible=False, tried=len(singles))
    found = singles + (_search(policy, rows, within, trials, seed) if trials else [])
    best = _blend(found, budget)
    # a hull of more points is never below one of fewer, but for rounding
    best = max(single, best, key=lambda item: item.quality)
    unmixed = max((item for item in found if rows.affords(item.cost)), key=_by_quality)
    return StepTuned(best, single, unmixed, feasible=True, tried=len(found))


@dataclass(frozen=True)
class _Rows:
    beliefs: Belief
    quality: FloatArray
    cost: FloatArray
    budget: float

    def affords(self, cost: float) -> bool:
        return cost <= self.budget * (1 + TOLERANCE)

    def reach(self, policy: Policy) -> Reached:
        done = replay(policy, self.beliefs, self.quality, self.cost)
        return Reached(policy, float(done.cost.mean()), float(done.quality.mean()))


def _single_prices(policy: Sequential, rows: _Rows) -> list[Reached]:
    """One price for all steps: a grid over everything that changes a decision, then halving in on the price
    at which the budget is met (the held-out cost falls with the price but for sampling error)."""
    state = rows.beliefs.begin()
    top = steepest(state.quality, state.cost) * PRICED_OUT
    grid = [top, *lambda_grid(state.quality, state.cost, _GRID)]
    found = [rows.reach(replace(policy, lams=(lam,))) for lam in grid]
    crossing = [
        i for i in range(1, len(grid)) if rows.affords(found[i - 1].cost) > rows.affords(found[i].cost)
    ]
    for i in crossing:
        expensive, cheap = grid[i], grid[i - 1]
        for _ in range(_HALVINGS):
            middle = float(np.sqrt(expensive * cheap)) if expensive > 0 else cheap / 10.0
            item = rows.reach(replace(policy, lams=(middle,)))
            found.append(item)
            expensive, cheap = (expensive, middle) if rows.affords(item.cost) else (middle, cheap)
    return found


def _search(policy: Sequential, rows: _Rows, within: list[Reached], trials: int, seed: int) -> list[Reached]:
    """Settings that optuna proposes, the single-price solution at every depth first."""
    start = max(within, key=_by_quality).policy
    assert isinstance(start, CascadeRouting | OptimalCascade)
    state = rows.beliefs.begin()
    depth = min(policy.max_depth, state.quality.shape[1])
    centre = start.lams[0] if start.lams[0] > 0 else steepest(state.quality, state.cost) / 1e4
    found: list[Reached] = []

    def objective(trial: Any) -> float:
        runs = trial.suggest_int("depth", 1, depth)
        lams = [
            trial.suggest_float(f"lambda_{j}", centre / RANGE, centre * RANGE, log=True) for j in range(depth)
        ]
        item = rows.reach(replace(policy, lams=tuple(lams[:runs]), max_depth=runs))
        found.append(item)
        # whatever overspends ranks below everything that does not, by how much it does (docs/references.md,
        # defect 2)
        return (
            item.quality if rows.affords(item.cost) else -item.cost / rows.budget if rows.budget else -np.inf
        )

    with _optuna() as optuna:
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        for runs in range(depth, 0, -1):
            study.enqueue_trial({"depth": runs, **{f"lambda_{j}": centre for j in range(depth)}})
        study.optimize(objective, n_trials=trials)
    return found


def _by_quality(item: Reached) -> tuple[float, float]:
    return item.quality, -item.cost


def _blend(found: list[Reached], budget: float) -> Reached:
    """The hull of what was reached, at the budget; the cheapest where that is dearer."""
    costs = np.array([item.cost for item in found])
    hull: list[Reached] = [
        found[i] for i in concave_hull(costs, np.array([item.quality for item in found])).tolist()
    ]
    above = next((i for i, item in enumerate(hull) if item.cost > budget * (1 + TOLERANCE)), len(hull))
    if above in (0, len(hull)):
        return hull[min(above, len(hull) - 1)]
    low, high = hull[above - 1], hull[above]
    gamma = float(np.clip((high.cost - budget) / (high.cost - low.cost), 0.0, 1.0))
    return Reached(
        mixture_of(low.policy, high.policy, gamma),
        gamma * low.cost + (1 - gamma) * high.cost,
        gamma * low.quality + (1 - gamma) * high.quality,
    )


@contextmanager
def _optuna() -> Iterator[Any]:
    """optuna, its log no louder than warnings for as long as it is used."""
    try:
        import optuna
    except ImportError as error:
        raise MissingExtra("fit", "tuning prices per step") from error
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield optuna
    finally:
        optuna.logging.set_verbosity(before)
