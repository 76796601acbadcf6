"""Prices lambda at which policies that look at answers are tried."""

from __future__ import annotations

import numpy as np

from penstock.core.routing import hull_edges
from penstock.types import FloatArray

_USUAL = 0.98

PRICED_OUT = 1e3
"""Times the steepest gain there is: nothing but the cheapest pays."""


def steepest(quality: FloatArray, cost: FloatArray) -> float:
    """The largest price at which anything dearer than the cheapest may pay, from estimates (n, k).

    A look can be worth its price where the estimates themselves see no gain, so it is at least the whole
    quality scale per dearest call. 1 where everything is free.
    """
    slopes = hull_edges(quality, cost).slope
    dearest = float(cost.max())
    return max(float(slopes.max(initial=0.0)), 1.0 / dearest if dearest > 0 else 1.0)


def lambda_grid(quality: FloatArray, cost: FloatArray, points: int, *, least: float = np.inf) -> list[float]:
    """``points`` falling prices from where almost only the cheapest candidate pays to where a look is nearly
    free, and 0.

    The steepest two per cent of the gains do not set the scale: two candidates of nearly equal estimated cost
    make a slope of any size. The least price is a ten-thousandth of the first one, and at most ``least`` in
    quality for the mean cost of the dearest candidate.
    """
    slopes = hull_edges(quality, cost).slope
    usual = float(np.quantile(slopes, _USUAL)) if slopes.size else 0.0
    dearest = float(cost.max())
    top = max(3.0 * usual, 1.0 / dearest if dearest > 0 else 1.0)
    mean = float(cost.mean(axis=0).max())
    bottom = min(top / 1e4, least / mean if mean > 0 else np.inf)
    return [*np.geomspace(top, bottom, points).tolist(), 0.0]
