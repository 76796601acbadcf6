"""The guard: a policy's point replaces the fitted mix only where paired evidence says so (design.md, 3).

For every point of every contender the advantage over the mix *at the same cost* is estimated on tuning rows,
with a lower bound that holds for all of them at once. What does not clear zero is dropped; the frontier that
is left is the hull of the points that do and of the fixed candidates, so where nothing clears, it is the mix.
"""

from __future__ import annotations

import numpy as np

from penstock.core.curves import concave_hull
from penstock.core.resample import simultaneous_lower_bounds
from penstock.fitting.tune import Swept
from penstock.types import BoolArray, FloatArray, IntArray

CONFIDENCE = 0.95
CROSSFIT_ERROR = 1.15
"""How much wider than for independent rows. Of two rows in different folds each helps to fit what the other
is judged by, so their errors correlate and errors row by row are too small (Bates, Hastie & Tibshirani 2023).
On 300 tables without signal nearest neighbours cleared in 8 to 10% without it, and in 3 to 4% with it."""


def clears_mix(
    contenders: Swept, fixed: Swept, cluster: IntArray, *, confidence: float = CONFIDENCE, seed: int = 0
) -> BoolArray:
    """(p,) whether each contender is above the mix of ``fixed`` at its own cost, simultaneously."""
    if not len(contenders):
        return np.zeros(0, dtype=bool)
    advantage = advantages(contenders, fixed)
    bounds = simultaneous_lower_bounds(advantage.T, cluster, confidence=confidence, seed=seed)
    mean: FloatArray = advantage.mean(axis=1)
    return mean - CROSSFIT_ERROR * (mean - bounds) > 0


def advantages(contenders: Swept, fixed: Swept) -> FloatArray:
    """(p, n) per-row values whose mean is the contender's quality minus the mix's at the same mean cost, and
    whose spread is that difference's sampling error (its influence function: both curves' costs and
    qualities are estimated on the same rows)."""
    cost, quality = fixed.cost.mean(axis=1), fixed.quality.mean(axis=1)
    hull = concave_hull(cost, quality)
    values = np.empty_like(contenders.cost)
    for p, spent in enumerate(contenders.cost.mean(axis=1)):
        a, b = _segment(cost[hull], float(spent))
        low, high = hull[a], hull[b]
        run = cost[high] - cost[low]
        share = (cost[high] - spent) / run if run > 0 else 1.0
        slope = (quality[high] - quality[low]) / run if run > 0 else 0.0
        mix_quality = share * fixed.quality[low] + (1 - share) * fixed.quality[high]
        mix_cost = share * fixed.cost[low] + (1 - share) * fixed.cost[high]
        values[p] = contenders.quality[p] - mix_quality - slope * (contenders.cost[p] - mix_cost)
    return values


def _segment(cost: FloatArray, at: float) -> tuple[int, int]:
    """The hull segment a cost lies on; the first is extended to the left, the curve is flat to the right."""
    last = len(cost) - 1
    if last == 0 or at >= cost[last]:
        return last, last
    high = int(np.clip(np.searchsorted(cost, at, side="right"), 1, last))
    return high - 1, high
