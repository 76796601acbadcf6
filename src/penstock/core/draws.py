"""Common standard normal draws of low discrepancy on NumPy alone.

A randomly shifted rank-1 lattice whose generating vector is found component by component (Sloan & Reztsov
2002; Dick, Kuo & Sloan, "High-dimensional integration: the quasi-Monte Carlo way", Acta Numerica 2013), taken
through the inverse normal, then moved to mean zero and unit covariance exactly. The last step makes a single
candidate's E[max] its mean, whatever the draws; the error over random maxima is that of scrambled Sobol
points.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from penstock.core import normal
from penstock.types import FloatArray, IntArray

_WEIGHT = 0.1
"""How much one more dimension matters to the lattice; between .03 and .3 the error hardly moves."""


@lru_cache(maxsize=64)
def normal_draws(count: int, dimensions: int, seed: int = 0) -> FloatArray:
    """(count, dimensions) standard normal draws, read-only, the same for the same arguments.

    Mean 0 and, where ``count`` > ``dimensions``, sample covariance exactly the identity.
    Preconditions: count >= 2, dimensions >= 1.
    """
    rng = np.random.default_rng([seed, count, dimensions])
    lattice = np.outer(np.arange(count), generating_vector(count, dimensions)) / count
    points = (lattice + rng.random(dimensions)) % 1.0
    tiny = 2.0**-53
    draws = normal.inverse_cdf(np.clip(points, tiny, 1 - tiny))
    draws -= draws.mean(axis=0)
    if count > dimensions:
        lower = np.linalg.cholesky(draws.T @ draws / count)
        draws = np.linalg.solve(lower, draws.T).T
        draws -= draws.mean(axis=0)
    draws = np.ascontiguousarray(draws)
    draws.setflags(write=False)
    return draws


def generating_vector(count: int, dimensions: int) -> IntArray:
    """(dimensions,) lattice generators, each the one that adds least to the worst-case error P2.

    O(dimensions * count^2) for ``count`` points.
    """
    points = np.arange(count)
    x = points / count
    bernoulli = 2 * np.pi**2 * (x * x - x + 1 / 6)
    units = np.asarray([g for g in range(1, max(2, count // 2 + 1)) if np.gcd(g, count) == 1])
    product: FloatArray = np.ones(count)
    used = np.zeros(len(units), dtype=np.int64)
    vector = np.zeros(dimensions, dtype=np.int64)
    for d in range(dimensions):
        error = np.asarray([product @ (1 + _WEIGHT * bernoulli[(g * points) % count]) for g in units])
        # a generator taken twice would make two candidates' draws one; only tiny samples run out of them
        best = int(np.lexsort((error, used))[0])
        used[best] += 1
        vector[d] = units[best]
        product = product * (1 + _WEIGHT * bernoulli[(vector[d] * points) % count])
    return vector
