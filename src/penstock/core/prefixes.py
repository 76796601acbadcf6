"""The best prefix supermodel for a price lambda: one step of an optimal cascade (De Koninck et al. 2025,
Theorem 2).

Arguments and preconditions are those of ``supermodels``, whose pruning does not hold here: a set that does
not pay may lie below one that does.
"""

from __future__ import annotations

import numpy as np

from penstock.core._jit import use_compiled
from penstock.core.expected_max import quality_samples, rows_of
from penstock.core.routing import TIE
from penstock.core.sets import Found, broadcast, contiguous, members, stack
from penstock.types import BoolArray, FloatArray, IntArray

_BLOCK = 1 << 20


def best_prefix(
    mean: FloatArray,
    factor: FloatArray | None,
    cost: FloatArray,
    executed: IntArray,
    lam: FloatArray | float,
    *,
    order: IntArray,
    max_depth: int,
    draws: FloatArray,
    prefer_expensive: bool = False,
    eligible: IntArray | None = None,
    compiled: bool | None = None,
) -> tuple[IntArray, FloatArray]:
    """``best_supermodel`` among the prefixes of ``order`` (k,) only: one step of an optimal cascade (Theorem
    2).

    The sets are the executed one joined with the first 0, 1, 2, .. eligible candidates of the order that are
    not in it. Nothing is pruned: a set that does not pay may lie below one that does.
    """
    n, k = mean.shape
    price, rate, open_ = broadcast(mean, cost, executed, lam, eligible)
    if use_compiled(compiled, n):
        from penstock.core import _compiled_supermodels as fast

        chosen, score = np.empty(n, dtype=np.int64), np.empty(n)
        ranked = np.ascontiguousarray(order, dtype=np.int64)
        fast.best_prefixes(
            *contiguous(mean, factor, draws),
            price, executed, open_, rate, ranked, max_depth, prefer_expensive, TIE, chosen, score,
        )  # fmt: skip
        return chosen, score
    step = max(1, _BLOCK // (k * (1 if factor is None else len(draws))))
    parts = []
    for begin in range(0, n, step):
        rows = slice(begin, begin + step)
        samples = quality_samples(mean[rows], rows_of(factor, rows), draws)
        prices = np.broadcast_to(price if len(price) == 1 else price[rows], mean[rows].shape)
        parts.append(
            _prefixes(
                samples, prices, executed[rows], open_[rows], rate[rows], order, max_depth, prefer_expensive
            )
        )
    return stack(parts)


def _prefixes(
    samples: FloatArray,
    cost: FloatArray,
    executed: IntArray,
    eligible: IntArray,
    lam: FloatArray,
    order: IntArray,
    max_depth: int,
    prefer_expensive: bool,
) -> tuple[IntArray, FloatArray]:
    n, k, _ = samples.shape
    row = np.arange(n)
    inside = members(executed, k)
    top = np.where(inside[:, :, None], samples, -np.inf).max(axis=1)
    mask, spent, depth = executed.copy(), (cost * inside).sum(axis=1), inside.sum(axis=1)
    found = Found(n)

    def look(at: BoolArray) -> None:
        level = top[at].mean(axis=1)
        due = lam[at] * spent[at]
        found.add(row[at], mask[at], level - due, np.abs(level) + due, spent[at])

    look(executed != 0)
    for i in order.tolist():
        adds = (eligible >> i & 1 > 0) & (executed >> i & 1 == 0) & (depth < max_depth)
        top[adds] = np.maximum(top[adds], samples[adds, i])
        mask[adds] |= 1 << i
        spent[adds] += cost[adds, i]
        depth[adds] += 1
        look(adds)
    return found.choose(prefer_expensive)
