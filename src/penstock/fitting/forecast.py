"""What an operating point is expected to do, with intervals, beside the controls at the same cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.resample import bootstrap_weights
from penstock.core.routing import solve_budget
from penstock.fitting.result import Fit
from penstock.router.targets import Target, TargetKind
from penstock.types import FloatArray

Interval = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A mean over tuning rows and its 95% bootstrap interval."""

    value: float
    ci95: Interval


@dataclass(frozen=True)
class Expectation:
    """The chosen option at a target, on cross-fitted tuning rows; ``mix_quality`` and ``oracle_quality`` are
    the controls' at the same expected cost (None where the mix cannot be that cheap)."""

    target: Target
    cost: Estimate
    quality: Estimate
    saving: Estimate
    quality_ratio: Estimate
    strong_share: float
    mix_quality: float | None
    oracle_quality: float | None


def expect(fit: Fit, target: Target, *, draws: int = 1000, seed: int = 0) -> Expectation:
    """The chosen option's expectation for a target. TargetError where it is out of reach."""
    option, tuning = fit.option, fit.tuning
    where = option.frontier.locate(target)
    point = option.frontier.blend(where)
    cost, quality = (
        where.gamma * rows[where.low] + (1 - where.gamma) * rows[where.high]
        for rows in (option.vertices.cost, option.vertices.quality)
    )
    best = fit.selection.names.index(fit.selection.best_fixed)
    weights = bootstrap_weights(tuning.cluster, draws=draws, seed=seed)
    columns = np.stack([cost, quality, tuning.cost[:, best], tuning.quality[:, best]], axis=1)
    means = np.concatenate([columns.mean(axis=0)[None, :], weights @ columns / weights.sum(axis=1)[:, None]])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = means[:, 1] / means[:, 3]
    mix_quality = _mix_quality(fit, point.cost)
    oracle = solve_budget(tuning.quality, tuning.cost, point.cost)
    return Expectation(
        target=target,
        cost=_estimate(means[:, 0]),
        quality=_estimate(means[:, 1]),
        saving=_estimate(1.0 - means[:, 0] / means[:, 2]),
        quality_ratio=_estimate(ratio),
        strong_share=point.strong_share,
        mix_quality=mix_quality,
        oracle_quality=None if oracle is None else oracle.quality,
    )


def _mix_quality(fit: Fit, cost: float) -> float | None:
    if cost < fit.fixed_mixture.points[0].cost * (1 - 1e-9):
        return None
    return fit.fixed_mixture.at(Target(TargetKind.BUDGET, cost)).quality


def _estimate(values: FloatArray) -> Estimate:
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return Estimate(float(values[0]), (float(low), float(high)))
