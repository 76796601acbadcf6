"""Cost-quality curves: concave hulls and areas under curves.

Preconditions: finite one-dimensional arrays of equal length >= 1.
"""

from __future__ import annotations

import numpy as np

from penstock.types import FloatArray, IntArray


def concave_hull(cost: FloatArray, quality: FloatArray) -> IntArray:
    """Indices, by rising cost, of the non-decreasing part of the upper concave hull.

    It begins at the cheapest point (the best of the cheapest) and ends at the best point (the cheapest of the
    best).
    """
    order = np.lexsort((-quality, cost))
    hull: list[int] = []
    for i in order.tolist():
        if hull and quality[i] <= quality[hull[-1]]:
            continue
        while len(hull) >= 2 and _bends_up(cost, quality, hull[-2], hull[-1], i):
            hull.pop()
        hull.append(i)
    return np.asarray(hull, dtype=np.int64)


def _bends_up(cost: FloatArray, quality: FloatArray, a: int, b: int, c: int) -> bool:
    rise_ab, rise_ac = quality[b] - quality[a], quality[c] - quality[a]
    return bool(rise_ab * (cost[c] - cost[a]) <= rise_ac * (cost[b] - cost[a]))


def auc(cost: FloatArray, quality: FloatArray, low: float, high: float, left: float) -> float:
    """Mean height over [low, high], exactly, of the curve through the points in order of cost: linear between
    them, ``left`` before the first (the cheapest candidate's quality), flat after the last.

    Points of equal cost are a vertical step, in the order given. Precondition: low < high.
    """
    order = np.argsort(cost, kind="stable")
    first, last = cost[order[0]], cost[order[-1]]
    x = np.concatenate([[min(low, first), first], cost[order], [max(high, last)]])
    y = np.concatenate([[left, left], quality[order], [quality[order[-1]]]])
    begin, end = np.clip(x[:-1], low, high), np.clip(x[1:], low, high)
    run = np.diff(x)
    # the height in the middle of what is left of each segment; steps have no width
    share = np.divide((begin + end) / 2 - x[:-1], run, out=np.zeros_like(run), where=run > 0)
    total = ((end - begin) * (y[:-1] + share * np.diff(y))).sum()
    return float(total / (high - low))


def aucs(
    cost: FloatArray, quality: FloatArray, low: FloatArray, high: FloatArray, left: FloatArray
) -> FloatArray:
    """(b,) ``area`` of b curves of p points each, ``cost`` and ``quality`` (b, p), over a range of their own;
    NaN where that is empty."""
    found = np.full(len(cost), np.nan)
    for b in np.flatnonzero(high > low).tolist():
        found[b] = auc(cost[b], quality[b], float(low[b]), float(high[b]), float(left[b]))
    return found
