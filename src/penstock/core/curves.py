"""Cost-quality curves: concave hulls, values along them, areas under them.

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


def interpolate(cost: FloatArray, quality: FloatArray, at: FloatArray, left: float) -> FloatArray:
    """The curve through the points in order of cost: linear between, ``left`` before, flat after."""
    order = np.argsort(cost, kind="stable")
    return np.interp(at, cost[order], quality[order], left=left)


def area(cost: FloatArray, quality: FloatArray, low: float, high: float, left: float) -> float:
    """Mean height of that curve over [low, high], exactly. Precondition: low < high.

    ``left`` is the height before the first point (design.md: the cheapest candidate's quality).
    """
    order = np.argsort(cost, kind="stable")
    x, y = cost[order], quality[order]
    inner = (x > low) & (x < high)
    begin, end = max(low, min(x[0], high)), high
    total = left * (begin - low)  # before the first point
    if end > begin:
        between = inner & (x > begin)
        first, last = np.interp([begin, end], x, y)
        knots = np.concatenate([[begin], x[between], [end]])
        heights = np.concatenate([[first], y[between], [last]])
        total += float(np.trapezoid(heights, knots))
    return float(total / (high - low))
