"""What no policy can beat: the value of the optimal adaptive policy and its Lagrangian bound.

Under independent beliefs Q_i ~ N(mean_i, sd_i^2), capped, the optimal expected quality minus lambda times
cost of a query is V_lambda = E[max_i min(Q_i, z_i)] (Weitzman 1979; one candidate at least is run). For every
lambda >= 0 the mean of V_lambda plus lambda * B is an upper bound of the quality of every policy of mean cost
B.

Preconditions: mean, sd (n, k); cost (n, k), (1, k) or (k,); finite, sd >= 0, cost >= 0, not all costs 0.
"""

from __future__ import annotations

import numpy as np

from penstock.core._jit import use_compiled
from penstock.core.index import survival
from penstock.core.reservation import inverse_table, reservation_values
from penstock.types import FloatArray

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(3)
_BLOCK = 1 << 20
_PER_DECADE = 8


def optimal_value(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    lam: float,
    *,
    cap: float | None = 1.0,
    compiled: bool | None = None,
) -> FloatArray:
    """(n,) V_lambda of every query: a one-dimensional integral, to about 1e-3 standard deviations."""
    n, k = mean.shape
    price = np.ascontiguousarray(np.atleast_2d(cost), dtype=float)
    value = np.empty(n)
    if use_compiled(compiled, n):
        from benchmarks.research import _compiled_bound as fast

        fast.optimal_values(
            np.ascontiguousarray(mean), np.ascontiguousarray(sd), price, float(lam),
            np.inf if cap is None else cap, *inverse_table(), _POINTS, _WEIGHTS, value,
        )  # fmt: skip
        return value
    step = max(1, _BLOCK // (9 * k * k))
    for begin in range(0, n, step):
        rows = slice(begin, begin + step)
        mu, s = mean[rows], sd[rows]
        z = reservation_values(mu, s, lam * (price if len(price) == 1 else price[rows]), cap=cap)
        # below this some candidate passes for certain
        low = np.minimum(mu - 8 * s, z).max(axis=1)
        above, weight = survival(mu, s, z, low, z > low[:, None])
        value[rows] = low + (weight * (1 - np.prod(1 - above, axis=1))).sum(axis=1)
    return value


def quality_bound(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    budgets: FloatArray,
    cap: float | None = 1.0,
    *,
    compiled: bool | None = None,
) -> FloatArray:
    """(len(budgets),) min over lambda of mean V_lambda + lambda * B: no policy's mean quality lies above it.

    Every lambda gives a bound; the smallest is sought on a logarithmic grid that is made finer around each
    budget's smallest. -inf for a budget below the cheapest candidates' mean cost: no policy meets it.
    """
    budgets = np.asarray(budgets, dtype=float)
    prices = np.broadcast_to(np.atleast_2d(cost), mean.shape)
    unit = (np.ptp(mean) + 4 * sd.max() + 1e-9) / prices[prices > 0].mean()
    exponent = np.arange(-5 * _PER_DECADE, 5 * _PER_DECADE + 1) / _PER_DECADE
    lam = np.concatenate([[0.0], unit * 10**exponent])

    def values(at: FloatArray) -> FloatArray:
        return np.asarray([optimal_value(mean, sd, cost, x, cap=cap, compiled=compiled).mean() for x in at])

    value = values(lam)
    for _ in range(2):
        smallest = np.unique((value + lam * budgets[:, None]).argmin(axis=1))
        near = np.unique(np.clip(np.concatenate([smallest, smallest + 1]), 1, len(lam) - 1))
        extra = (lam[near] + lam[near - 1]) / 2
        order = np.argsort(np.concatenate([lam, extra]))
        lam, value = np.concatenate([lam, extra])[order], np.concatenate([value, values(extra)])[order]
    bound: FloatArray = (value + lam * budgets[:, None]).min(axis=1)
    least = prices.min(axis=1).mean()
    return np.where(budgets < least * (1 - 1e-9), -np.inf, bound)
