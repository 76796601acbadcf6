"""The compiled form of ``bound.optimal_value``, for batches."""

from __future__ import annotations

import numpy as np

from penstock.core._compiled_index import quadrature, reservation_value
from penstock.core._jit import jit
from penstock.types import FloatArray


@jit
def optimal_values(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    lam: float,
    cap: float,
    nodes: FloatArray,
    slopes: FloatArray,
    points: FloatArray,
    weights: FloatArray,
    out: FloatArray,
) -> None:
    """``bound.optimal_value`` of every query."""
    n, k = mean.shape
    z = np.empty(k)
    live = np.ones(k, dtype=np.bool_)
    grid = 3 * k * points.shape[0]
    above = np.empty((k, grid))
    product = np.empty(grid)
    edges = np.empty(3 * k + 1)
    for row in range(n):
        mu, s, price = mean[row], sd[row], cost[row if cost.shape[0] > 1 else 0]
        low = -np.inf
        for i in range(k):
            z[i] = reservation_value(mu[i], s[i], lam * price[i], cap, nodes, slopes)
            low = max(low, min(mu[i] - 8 * s[i], z[i]))
        for i in range(k):
            live[i] = z[i] > low
        count = quadrature(mu, s, z, low, live, points, weights, above, product, edges)
        total = low
        for t in range(count):
            none = 1.0
            for i in range(k):
                none *= 1 - above[i, t]
            total += product[t] * (1 - none)
        out[row] = total
