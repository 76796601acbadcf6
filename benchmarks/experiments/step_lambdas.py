"""Prices per step and depth against one price (De Koninck et al. 2025, Theorem 3; docs/references.md,
correction 2), and the baselines of C3 beside them."""

from __future__ import annotations

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments.result import Result, Settings
from benchmarks.experiments.simulated import simulated_split
from benchmarks.experiments.tables import pool, routerbench
from benchmarks.research.simulated import LEVELS
from penstock.belief import Answered, Belief, observe
from penstock.core.curves import auc, concave_hull
from penstock.fitting.settings import FitSettings
from penstock.fitting.step_lambdas import tune_steps
from penstock.outcomes.splits import split_by_group
from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.mixture import Mixture
from penstock.router.replay import replay
from penstock.types import FloatArray

KINDS = ("published", "refined")
FAMILIES = ("routing", "cascade", "gain_cascade", "copula_cascade", "index")
BUDGETS, TRIALS = 6, 100


def experiment(settings: Settings) -> Result:
    """Five candidates of RouterBench at three noise levels; per estimate, tuned on 30% of the rows."""
    grid = pool(routerbench(settings), 5)
    steps: list[list[object]] = []
    baselines: list[list[object]] = []
    for level in LEVELS:
        gains: dict[str, list[FloatArray]] = {kind: [] for kind in KINDS}
        areas: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
        for seed in range(settings.seeds):
            fit, test = split_by_group(grid.queries, 0.3, seed)
            split = simulated_split(grid, fit, test, LEVELS[level], seed=seed, kinds=KINDS)
            for kind in KINDS:
                rows = split.sources[kind]
                tuning = (split.fit.quality, split.fit.cost)
                held = (split.test.quality, split.test.cost)
                gains[kind].append(_gains(rows, tuning, held, seed))
                areas[kind].append([_area(name, rows, tuning, held) for name in FAMILIES])
        for kind in KINDS:
            found = np.array(gains[kind])
            error = found.std(axis=0, ddof=1) / len(found) ** 0.5 if len(found) > 1 else np.full(3, np.nan)
            shown = [
                f"{m:+.2f} ({e:.2f})" for m, e in zip(100 * found.mean(axis=0), 100 * error, strict=True)
            ]
            steps.append([level, kind, *shown])
            baselines.append([level, kind, *(f"{100 * a:.2f}" for a in np.mean(areas[kind], axis=0))])
    head = ["noise", "estimates", "on tuning rows", "on test rows", "cost on test rows, %"]
    body = _PAGE.format(
        budgets=BUDGETS,
        trials=TRIALS,
        steps=page.table(head, steps),
        baselines=page.table(["noise", "estimates", *FAMILIES], baselines),
    )
    return Result("Prices per step, and baselines: simulated estimators on real outcomes", body)


def _gains(
    sources: tuple[Belief, Belief],
    tuning: tuple[FloatArray, FloatArray],
    held: tuple[FloatArray, FloatArray],
    seed: int,
) -> FloatArray:
    """(3,) what prices of their own add to one price: quality on tuning and on test rows, share of cost."""
    means = tuning[1].mean(axis=0)
    found = []
    for budget in np.geomspace(1.5 * means.min(), means.max(), BUDGETS):
        tuned = tune_steps(
            CascadeRouting((1.0,)), sources[0], *tuning, float(budget), trials=TRIALS, seed=seed
        )
        one, many = (_means(item.policy, sources[1], *held) for item in (tuned.single, tuned.best))
        found.append([tuned.best.quality - tuned.single.quality, many[1] - one[1], many[0] / one[0] - 1])
    apart: FloatArray = np.mean(found, axis=0)
    return apart


def _area(
    name: str,
    sources: tuple[Belief, Belief],
    tuning: tuple[FloatArray, FloatArray],
    held: tuple[FloatArray, FloatArray],
) -> float:
    """Of a family's frontier, chosen on tuning rows, between the cheapest and the dearest candidate."""
    quality, cost = tuning
    policies = FitSettings.policy(name).search_space(_evidence(sources[0], quality, cost))
    reached = np.array([_means(policy, sources[0], *tuning) for policy in policies])
    hull = concave_hull(reached[:, 0], reached[:, 1]).tolist()
    points = np.array([_means(policies[i], sources[1], *held) for i in hull])
    ends = held[1].mean(axis=0)
    left = float(held[0].mean(axis=0)[ends.argmin()])
    return auc(points[:, 0], points[:, 1], float(ends.min()), float(ends.max()), left)


def _means(policy: Policy, source: Belief, quality: FloatArray, cost: FloatArray) -> FloatArray:
    """(2,) mean cost and quality; both branches of a mixture are replayed and mixed analytically."""
    if isinstance(policy, Mixture):
        cheap, expensive = (_means(p, source, quality, cost) for p in (policy.cheap, policy.expensive))
        return policy.gamma * cheap + (1 - policy.gamma) * expensive
    done = replay(policy, source, quality, cost)
    return np.array([done.cost.mean(), done.quality.mean()])


def _evidence(source: Belief, quality: FloatArray, cost: FloatArray) -> TuningEvidence:
    """The estimates a family looks at: before any run, and of each candidate once it has run."""
    before = source.begin()
    n, k = before.quality.shape
    everything = Answered(np.repeat(np.arange(n), k), np.tile(np.arange(k), n))
    return TuningEvidence(
        ex_ante=before.quality,
        post_hoc=observe(source, source.begin(), everything).quality,
        cost=before.cost,
        mean_quality=quality.mean(axis=0),
        mean_cost=cost.mean(axis=0),
        shift_sd=before.shift_sd,
    )


_PAGE = """
Noise is simulated on real outcomes (RouterBench subset, 5 candidates); 30% of the questions tune, the rest
test.

## Prices per step and depth against one price

Cascade routing, depth 5. {budgets} budgets from 1.5 times the cheapest to the dearest candidate's mean cost;
{trials} settings by the Parzen estimator, started from the exact single-price solution. Quality x 100 gained
over one price, both mixed to spend the budget; in brackets the standard error over seeds.

{steps}

On tuning rows the search cannot lose (it contains the single price). What it gains there is what it fits to
those rows where the test column does not follow.

## Cascades of fixed thresholds beside routing and the index policy

Area x 100 between the cheapest and the dearest candidate. cascade: thresholds by replay and by C3;
gain_cascade: on where the next candidate's estimated gain is large; copula_cascade: thresholds from the
Markov-copula model (arXiv 2501.09345), tuned without replay.

{baselines}
"""
