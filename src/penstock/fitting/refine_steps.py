"""Prices per step for a chosen frontier of cascade routing or the optimal cascade (De Koninck et al. 2025,
section 4): searched on one half of the tuning rows, adopted only where the other half says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from penstock.codec import take
from penstock.core.resample import standard_errors
from penstock.estimators.post_hoc.base import BeliefPart
from penstock.fitting.result import Option
from penstock.fitting.step_lambdas import Sequential, tune_steps
from penstock.fitting.sweep import Sweep, sweep
from penstock.fitting.training_data import TrainingData
from penstock.policies.base import Policy
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.router.frontier import Frontier
from penstock.types import IntArray

CLEARLY = 1.64
"""In standard errors: how much better the other half has to find a point, one-sided 95%."""


def refine_steps(
    option: Option,
    beliefs: Sequence[BeliefPart],
    data: TrainingData,
    fixed_mixture: Frontier,
    *,
    trials: int,
    seed: int,
) -> tuple[Option, int]:
    """The option with prices per step where they are clearly better at no more cost, and how many of its
    points changed. ``beliefs``: what its policies were tuned on, in one part; others are left as they are.
    All on the first draw of the samples, which what then stands on the frontier is measured on too."""
    search, judge = _halves(data.cluster, seed)
    if len(beliefs) != 1 or not (len(search) and len(judge)):
        return option, 0
    quality, cost = data.tuned_drawn(0), data.tuned_cost
    policies, changed = list[Policy](), 0
    for point in option.vertices.policies:
        better = _better(point, beliefs[0], search, judge, data, trials=trials, seed=seed)
        policies.append(better or point)
        changed += better is not None
    if not changed:
        return option, 0
    done = sweep(policies, beliefs, quality, cost, data.best)
    vertices: Sweep = done.hull()
    return replace(
        option, vertices=vertices, frontier=replace(fixed_mixture, points=vertices.points())
    ), changed


def _better(
    policy: Policy,
    part: BeliefPart,
    search: IntArray,
    judge: IntArray,
    data: TrainingData,
    *,
    trials: int,
    seed: int,
) -> Sequential | None:
    """The policy with prices of its own per step; None where there are none worth having."""
    if not isinstance(policy, CascadeRouting | OptimalCascade):
        return None
    quality, cost = data.tuned_drawn(0), data.tuned_cost
    at = [BeliefPart(np.arange(len(rows)), take(part.belief, rows)) for rows in (search, judge)]
    budget = float(sweep([policy], at[:1], quality[search], cost[search], data.best).cost.mean())
    tuned = tune_steps(
        policy, at[0].belief, quality[search], cost[search], budget, trials=trials, seed=seed
    ).deterministic.policy
    if not isinstance(tuned, CascadeRouting | OptimalCascade) or tuned == policy:
        return None
    both = sweep([policy, tuned], at[1:], quality[judge], cost[judge], data.best)
    gain = both.quality[1] - both.quality[0]
    error = float(standard_errors(gain[:, None], data.cluster[judge])[0])
    clearly = gain.mean() > CLEARLY * error and both.cost[1].mean() <= both.cost[0].mean()
    return tuned if clearly else None


def _halves(cluster: IntArray, seed: int) -> tuple[IntArray, IntArray]:
    """Rows to search on and rows to judge by; what stands or falls together stays together."""
    names, number = np.unique(cluster, return_inverse=True)
    first = np.random.default_rng(seed).permutation(len(names)) % 2 == 0
    return np.flatnonzero(first[number]), np.flatnonzero(~first[number])
