"""The best supermodel for a price lambda (De Koninck et al. 2025, Theorem 3, Lemma 1): a set of candidates
run on one query.

tau(M) = E[max_{i in M} Q_i] - lambda * sum_{i in M} c_i is maximised over the sets that hold every executed
candidate. Choosing the executed set itself means stop. E[max] is submodular on one common sample, so

* a candidate whose gain does not pay on top of a set pays on no larger set (Lemma 1), and
* the score of a set plus the largest net gains of single candidates bounds every set above it.

Both hold for not yet executed members of sets that contain the executed ones; neither holds for prefixes.

Arrays: mean (n, k); factor as in ``expected_max``; cost (n, k), (1, k) or (k,); executed and eligible (n,)
int64 bit masks, bit i for candidate i; lam (n,) or one number. Preconditions: finite arrays, cost >= 0, lam
>= 0, 1 <= k <= 62, n >= 1, max_depth >= 1, draws (S, k). Executed candidates count as eligible.
"""

from __future__ import annotations

import numpy as np

from penstock.core._jit import use_compiled
from penstock.core.expected_max import quality_samples, rows_of
from penstock.core.routing import TIE
from penstock.core.sets import Found, broadcast, contiguous, members, stack
from penstock.types import FloatArray, IntArray

_BLOCK = 1 << 20
"""Doubles held at once by the NumPy path: within a core's cache a row is faster."""
_ROUNDING = 1e-13
"""Part of a score below which a net gain is none."""


def best_supermodel(
    mean: FloatArray,
    factor: FloatArray | None,
    cost: FloatArray,
    executed: IntArray,
    lam: FloatArray | float,
    *,
    max_depth: int,
    draws: FloatArray,
    prefer_expensive: bool = False,
    eligible: IntArray | None = None,
    additional: int | None = None,
    compiled: bool | None = None,
) -> tuple[IntArray, FloatArray]:
    """(mask (n,), score (n,)): the best superset of each executed set and its tau.

    Never the empty set, unless nothing is executed or eligible (mask 0, score -inf). ``max_depth`` counts
    executed candidates. Scores within a relative 1e-9 tie: the cheapest set wins (s_MIN), the dearest with
    ``prefer_expensive`` (s_MAX); then the one with fewer members, then the lowest mask. ``factor=None`` is
    the no-expect ablation, ``additional=1`` the greedy one (at most one more candidate considered).
    ``compiled``: None takes numba for batches where it is installed; the decisions are the same.
    """
    n, k = mean.shape
    more = k if additional is None else additional
    price, rate, open_ = broadcast(mean, cost, executed, lam, eligible)
    if use_compiled(compiled, n):
        from penstock.core import _compiled_supermodels as fast

        chosen, score = np.empty(n, dtype=np.int64), np.empty(n)
        fast.best_supermodels(
            *contiguous(mean, factor, draws), price, executed, open_, rate, max_depth, more,
            prefer_expensive, TIE,
            factor is None or _matched(draws), chosen, score,
        )  # fmt: skip
        return chosen, score
    room = np.minimum(max_depth - np.bitwise_count(executed).astype(np.int64), more)
    step = max(1, _BLOCK // (k * (1 if factor is None else len(draws))))
    parts = []
    for begin in range(0, n, step):
        rows = slice(begin, begin + step)
        samples = quality_samples(mean[rows], rows_of(factor, rows), draws)
        prices = price if len(price) == 1 else price[rows]
        parts.append(
            _search(samples, prices, executed[rows], open_[rows], rate[rows], room[rows], prefer_expensive)
        )
    return stack(parts)


def _search(
    samples: FloatArray,
    cost: FloatArray,
    executed: IntArray,
    eligible: IntArray,
    lam: FloatArray,
    room: IntArray,
    prefer_expensive: bool,
) -> tuple[IntArray, FloatArray]:
    """Breadth first: the sets with one more member at a time, of all queries together."""
    n, k, _ = samples.shape
    inside = members(executed, k)
    cost = np.broadcast_to(cost, (n, k))
    price = lam[:, None] * cost
    slack = TIE * (np.abs(samples).max(axis=(1, 2)) + price.sum(axis=1))
    found = Found(n)
    # nodes: the sets of this size; row says whose, gains (nodes, k) bound what each candidate can still add
    row = np.arange(n)
    mask = executed.copy()
    top = np.where(inside[:, :, None], samples, -np.inf).max(axis=1)
    started = executed != 0
    level = np.where(started, top.mean(axis=1), 0.0)
    spent = (cost * inside).sum(axis=1)
    score = level - lam * spent
    found.add(
        row[started], mask[started], score[started], (np.abs(level) + lam * spent)[started], spent[started]
    )
    allowed = members(eligible & ~executed, k) & (room > 0)[:, None]
    gains = np.full((n, k), np.inf)
    depth = 0
    while allowed.any():
        node, j = np.nonzero(allowed)
        owner = row[node]
        joined = np.maximum(top[node], samples[owner, j])
        mean = joined.mean(axis=1)
        paid = spent[node] + cost[owner, j]
        total = mean - lam[owner] * paid
        size = np.abs(mean) + price[owner, j]
        net = total - score[node]
        limit = np.where(prefer_expensive, -TIE, _ROUNDING) * size
        keep = (net > limit) | (prefer_expensive & (net >= limit)) | (mask[node] == 0)
        found.add(
            owner[keep],
            (mask[node] | (1 << j))[keep],
            total[keep],
            (np.abs(mean) + lam[owner] * paid)[keep],
            paid[keep],
        )
        depth += 1
        # children: each kept addition, with the kept additions behind it as its candidates
        nets = np.full(allowed.shape, -np.inf)
        nets[node[keep], j[keep]] = net[keep]
        bounds = np.where(mask[:, None] == 0, np.inf, nets)
        behind = (nets[node] > -np.inf) & (np.arange(k) > j[:, None])
        left = room[owner] - depth
        child = np.flatnonzero(keep & (left > 0) & behind.any(axis=1))
        gains = np.where(behind[child], np.minimum(bounds[node[child]], gains[node[child]]), 0.0)
        reach = total[child] + _largest_sum(gains, left[child])
        child_keep = reach >= found.best[owner[child]] - slack[owner[child]]
        child, gains = child[child_keep], gains[child_keep]
        allowed = behind[child]
        row, mask = owner[child], mask[node[child]] | (1 << j[child])
        top, level, spent, score = joined[child], mean[child], paid[child], total[child]
    return found.choose(prefer_expensive)


def _largest_sum(gains: FloatArray, count: IntArray) -> FloatArray:
    """Sum of the ``count`` largest of each row."""
    falling = -np.sort(-gains, axis=1)
    sums = np.cumsum(falling, axis=1)
    reach: FloatArray = sums[np.arange(len(gains)), np.minimum(count, gains.shape[1]) - 1]
    return reach


def _matched(draws: FloatArray) -> bool:
    """Whether the draws have mean 0 and unit covariance, as ``draws.normal_draws`` has."""
    count, k = draws.shape
    covariance = draws.T @ draws / count
    return bool(np.abs(draws.mean(axis=0)).max() < 1e-11 and np.abs(covariance - np.eye(k)).max() < 1e-10)
