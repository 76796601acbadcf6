"""The guard: a policy's point replaces the fitted mix only where paired evidence says so
(docs/decisions/0002).

For every point of every sweep the advantage over the mix *at the same cost* is estimated on tuning rows. A
sweep has to show once that it beats the mix: over a stretch of neighbouring points (its thirds by cost, and
the whole), whose mean advantage averages out what one point is too noisy to show and is not flattered by
choosing the best of them; or at a point, since a sweep may be good in one place. Stretches are few and points
are many, so that most of the error allowed is the stretches' (``STRETCHES``). The lower bounds hold for all
of a family at once, and the error is divided between families beforehand (``SHARES``). So where estimates
carry no signal nothing clears in 95 of 100 tables, and the frontier is the mix. Of a sweep that has shown it,
the points stay that are above the mix by more than their own standard error; the frontier is the hull of
those and of the fixed candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from penstock.belief import GoesBy
from penstock.core.curves import concave_hull
from penstock.core.resample import simultaneous_lower_bounds, standard_errors
from penstock.fitting.sweep import Sweep
from penstock.types import BoolArray, FloatArray, IntArray

TOGETHER = "all estimators together"
"""The family of routing by the ensemble; every other goes by what its policies go by (``belief.GoesBy``)."""
NOTHING = GoesBy.NOTHING.value
SHARES = {TOGETHER: 0.25, NOTHING: 0.05, GoesBy.ANSWERS.value: 0.1, GoesBy.AGREEMENT.value: 0.6}
"""Of the error allowed. A sweep of looking ahead is forty points of one model of a few dozen numbers and the
ensemble's routing is one sweep; routing by each estimator and the policies that go by own answers are
hundreds and thousands of points: in one pot the many would drown the few."""
STRETCHES = 0.9
"""Their share of a family's error. With few tasks points would need three standard errors and more."""
LEAST_POINTS = 3
"""A third of a sweep has at least so many points, or the sweep is not divided."""
CROSSFIT_ERROR = 1.15
"""How much wider than for independent rows. Of two rows in different folds each helps to fit what the other
is judged by, so their errors correlate and errors row by row are too small (Bates, Hastie & Tibshirani 2023).
On 300 tables without signal nearest neighbours cleared in 8 to 10% without it, and in 3 to 4% with it."""


def clears_mix(
    contenders: Sweep,
    fixed: Sweep,
    cluster: IntArray,
    *,
    sweep: IntArray | None = None,
    family: NDArray[np.str_] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> BoolArray:
    """(p,) whether each contender is above the mix of ``fixed`` at its own cost, simultaneously.

    ``sweep`` (p,) numbers the sweep a contender belongs to (None: one for all), ``family`` (p,) names what
    its policy goes by, of ``SHARES`` (None: one for all). ``cluster`` (n,): rows that stand or fall together.
    """
    if not len(contenders):
        return np.zeros(0, dtype=bool)
    advantage = advantages(contenders, fixed)
    cost = contenders.cost.mean(axis=1)
    clear = np.zeros(len(contenders), dtype=bool)
    number = np.zeros(len(contenders), dtype=np.int64) if sweep is None else sweep
    named = np.full(len(contenders), NOTHING) if family is None else family
    kinds = sorted(set(named.tolist()))
    whole = sum(SHARES[kind] for kind in kinds)
    for kind in kinds:
        of = np.flatnonzero(named == kind)
        held = 1.0 - (1.0 - level) * SHARES[kind] / whole
        clear[of] = _family_clears(advantage[of], cost[of], number[of], cluster, held, seed)
    return clear


def _family_clears(
    advantage: FloatArray,
    cost: FloatArray,
    sweep: IntArray,
    cluster: IntArray,
    level: float,
    seed: int,
) -> BoolArray:
    """``clears_mix`` of one family's points, from their advantages (p, n)."""
    stretches = _stretches(cost, sweep)
    means = np.stack([advantage[part].mean(axis=0) for part in stretches])
    error = 1.0 - level
    along = _above_zero(means, cluster, 1.0 - STRETCHES * error, seed)
    shown = _above_zero(advantage, cluster, 1.0 - (1.0 - STRETCHES) * error, seed)
    proven = set(sweep[shown].tolist())
    proven |= {int(sweep[part[0]]) for part, holds in zip(stretches, along, strict=True) if holds}
    above: BoolArray = advantage.mean(axis=1) > CROSSFIT_ERROR * standard_errors(advantage.T, cluster)
    return shown | (above & np.isin(sweep, list(proven)))


def _above_zero(values: FloatArray, cluster: IntArray, level: float, seed: int) -> BoolArray:
    """(p,) whether the means of ``values`` (p, n) are above zero by a bound that holds for all at once."""
    bounds = simultaneous_lower_bounds(values.T, cluster, confidence=level, seed=seed)
    mean: FloatArray = values.mean(axis=1)
    return mean - CROSSFIT_ERROR * (mean - bounds) > 0


def _stretches(cost: FloatArray, sweep: IntArray) -> list[IntArray]:
    """The points of every sweep by rising mean cost, whole and in thirds; sweeps of a few points only
    whole."""
    found: list[IntArray] = []
    for number in np.unique(sweep).tolist():
        points = np.flatnonzero(sweep == number)
        points = points[np.argsort(cost[points], kind="stable")]
        found.append(points)
        if len(points) >= 3 * LEAST_POINTS:
            found += np.array_split(points, 3)
    return found


def advantages(contenders: Sweep, fixed: Sweep) -> FloatArray:
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
