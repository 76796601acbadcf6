"""RouterBench (De Koninck et al. 2025, experiments): simulated estimates on real outcomes, and fitted ones
beside them."""

from __future__ import annotations

import numpy as np

from benchmarks.experiments.clock import microseconds, reservation_step, supermodel_step
from benchmarks.experiments.compare import Outcome, Split, run_all
from benchmarks.experiments.fitted import fitted_split
from benchmarks.experiments.methods import (
    CAUTIOUS,
    KAPPAS,
    Method,
    cascade_routing,
    index,
    lambdas,
    optimal_cascade,
    routing,
    threshold_cascade,
    whole_cascade,
)
from benchmarks.experiments.result import Result, Settings
from benchmarks.experiments.routerbench_page import (
    CASCADE,
    INDEX,
    PUBLISHED,
    REFINED,
    Found,
    body,
    curves,
    fitted_curves,
    order_claims,
    required_claims,
)
from benchmarks.experiments.simulated import simulated_split
from benchmarks.experiments.tables import POOLS, pool, routerbench
from benchmarks.research.bound import quality_bound
from benchmarks.research.simulated import LEVELS
from penstock.answers.canonical import short_text
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import split_by_group
from penstock.types import FloatArray

SHARE = 0.3
FITTED_SEEDS = 5
"""Estimators cost more to fit than noise to draw."""
SIMULATED = (
    Method("routing", routing, "refined"),
    Method("threshold cascade", threshold_cascade, "published"),
    Method("optimal cascade, as published", whole_cascade(), "published"),
    Method(PUBLISHED, cascade_routing(), "published"),
    Method("cascade routing, variance slip", cascade_routing(), "slip"),
    Method("cascade routing, kappa tuned", cascade_routing(), "published", KAPPAS),
    Method(CASCADE, optimal_cascade(), "refined"),
    Method(REFINED, cascade_routing(), "refined"),
    Method(INDEX, index(), "refined"),
    Method("index, refined, cap 5", index(runs=5), "refined"),
    Method("cascade routing, refined, kappa tuned", cascade_routing(), "refined", KAPPAS),
    Method("index, refined, kappa tuned", index(), "refined", KAPPAS),
    Method("cascade routing, joint Gaussian", cascade_routing(points=20), "joint"),
    Method("index, joint Gaussian", index(points=20), "joint"),
)
FITTED = (
    Method("routing", routing, "own answer"),
    Method("threshold cascade", threshold_cascade, "own answer"),
    *(
        Method(f"{name}, {kind}", family, kind, CAUTIOUS)
        for kind in ("own answer", "per set, as published", "per set", "joint")
        for name, family in (
            ("optimal cascade", optimal_cascade(12)),
            ("cascade routing", cascade_routing(points=24)),
            ("index", index(points=24)),
        )
    ),
)


def experiment(settings: Settings) -> Result:
    """All pools and levels with simulated estimates, then the pools with fitted ones."""
    grid = routerbench(settings)
    found, bounds, ratios = _simulated(grid, settings.seeds)
    fitted = _fitted(grid, settings)
    claims = [*required_claims(found, ratios), *order_claims(found, CASCADE, REFINED)]
    for kind in ("own answer", "per set", "joint"):
        claims += order_claims(fitted, f"optimal cascade, {kind}", f"cascade routing, {kind}")
    return Result(
        "RouterBench: simulated estimators on real outcomes, and fitted ones",
        body(grid, found, bounds, ratios, fitted, settings),
        tuple(claims),
        {"routerbench.svg": curves(found, bounds), "routerbench-fitted.svg": fitted_curves(fitted)},
    )


def _simulated(
    grid: OutcomeMatrix, seeds: int
) -> tuple[Found, dict[str, tuple[FloatArray, FloatArray]], dict[str, tuple[float, float]]]:
    """Outcomes; the first seed's bound (budgets, quality) and kernel microseconds (cascade routing, index)
    of every setting."""
    found: Found = {}
    bounds, clock = {}, {}
    for count in POOLS:
        chosen = pool(grid, count)
        for level, noise in LEVELS.items():
            key = f"{count} {level}"
            outcomes: dict[str, list[Outcome]] = {}
            for seed in range(seeds):
                fit, test = split_by_group(chosen.queries, SHARE, seed)
                split = simulated_split(chosen, fit, test, noise, seed=seed)
                run_all(SIMULATED, split, outcomes)
                if seed == 0:
                    bounds[key] = _bound(split)
                    clock[key] = _kernels(split)
            found[key] = outcomes
    return found, bounds, clock


def _bound(split: Split) -> tuple[FloatArray, FloatArray]:
    """No policy can be believed to do better than this under the refined beliefs of the test rows."""
    state = split.sources["refined"][1].begin()
    assert state.shift_sd is not None
    means = split.test.cost.mean(axis=0)
    low = float(state.cost.min(axis=1).mean())
    budgets = np.linspace(max(low * 1.001, float(means.min())), float(means.max()), 40)
    return budgets, quality_bound(state.quality, state.shift_sd, state.cost, budgets)


def _kernels(split: Split) -> tuple[float, float]:
    state = split.sources["refined"][1].begin()
    prices = lambdas(state, 16)
    slow = microseconds(supermodel_step(state, 5), prices, len(state)).mean()
    return float(slow), float(microseconds(reservation_step(state), prices, len(state)).mean())


def _fitted(grid: OutcomeMatrix, settings: Settings) -> Found:
    """Per-set regressions with 3 and 5 candidates only: 11 have 1,024 sets within the depth cap."""
    found: Found = {}
    for count in POOLS:
        chosen = pool(grid, count)
        outcomes: dict[str, list[Outcome]] = {}
        kinds = ["own answer", "joint"] + (["per set", "per set, as published"] if count <= 5 else [])
        for seed in range(min(settings.seeds, FITTED_SEEDS)):
            fit, test = split_by_group(chosen.queries, SHARE, seed)
            split = fitted_split(
                chosen, fit, test, seed=seed, kinds=kinds, normaliser=short_text, directions=48
            )
            run_all(FITTED, split, outcomes)
        found[f"{count} fitted"] = outcomes
    return found
