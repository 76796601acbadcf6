"""Exact dynamic programming over small instances: independent qualities on a grid, every adaptive policy."""

from collections.abc import Callable

import numpy as np

from penstock.core import normal

Policy = Callable[[int, np.ndarray], np.ndarray]
"""(executed mask, best qualities (m,)) -> candidate to run, -1 to stop."""


class Instance:
    """k capped Gaussians rounded to a grid; ``price`` is lambda * c. At least one candidate is run."""

    def __init__(self, mean, sd, price, *, cap=1.0, points=301):
        self.mean, self.sd, self.price = mean, sd, price
        self.k = len(mean)
        top = min(cap, float((mean + 6 * sd).max())) if cap is not None else float((mean + 6 * sd).max())
        self.grid = np.linspace(min(float((mean - 6 * sd).min()), top - 0.1), top, points)
        edges = (self.grid[1:] + self.grid[:-1]) / 2
        below = normal.cdf((edges - mean[:, None]) / np.maximum(sd, 1e-9)[:, None])
        self.law = np.diff(below, axis=1, prepend=0.0, append=1.0)

    def _ahead(self, value, i):
        """E[value(max(y, Q_i))] for every y of the grid, and from nothing."""
        p = self.law[i]
        passed = np.cumsum(p)
        later = np.concatenate([np.cumsum((p * value)[::-1])[::-1][1:], [0.0]])
        return value * passed + later, float(p @ value)

    def optimum(self, max_calls):
        return self._solve(max_calls, None)

    def value_of(self, policy, max_calls):
        return self._solve(max_calls, policy)

    def _solve(self, max_calls, policy):
        value = {}
        for mask in sorted(range(1 << self.k), key=lambda m: -bin(m).count("1")):
            count = bin(mask).count("1")
            if count > max_calls:
                continue
            options = {-1: self.grid.copy()}
            start = {}
            if count < max_calls:
                for i in range(self.k):
                    if not mask >> i & 1:
                        ahead, first = self._ahead(value[mask | 1 << i], i)
                        options[i], start[i] = ahead - self.price[i], first - self.price[i]
            if mask == 0:
                if policy is None:
                    return max(start.values())
                return start[int(policy(0, np.array([np.nan]))[0])]
            if policy is None or count == max_calls:
                value[mask] = np.max(list(options.values()), axis=0)
            else:
                choice = policy(mask, self.grid)
                value[mask] = np.array([options[c][j] for j, c in enumerate(choice.tolist())])
        raise AssertionError("the empty set comes last")


def random_instance(seed, k=4, *, spread=0.5, dearest=0.3):
    """Means, standard deviations up to ``spread`` and prices up to ``dearest`` of one query."""
    rng = np.random.default_rng(seed)
    mean, sd = rng.uniform(0.2, 0.8, k), rng.uniform(0.05, spread, k)
    price = np.exp(rng.uniform(np.log(0.005), np.log(dearest), k))
    return mean, sd, price
