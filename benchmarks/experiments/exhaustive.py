"""Cascade routing's choice by trying every set within the depth cap: the ablation without Lemma 1."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from penstock.core._jit import jit
from penstock.core.draws import normal_draws
from penstock.core.sets import bits
from penstock.policies.sequential import shift_sd_of
from penstock.state import State
from penstock.types import FloatArray, IntArray


def exhaustive_step(state: State, lam: float, depth: int, draws: int = 128) -> IntArray:
    """(n,) the best set of every query, as bit masks; independent moves only. Ties take the first set."""
    mean, spread = np.ascontiguousarray(state.quality), np.ascontiguousarray(shift_sd_of(state, 1.0))
    samples = np.ascontiguousarray(normal_draws(draws, mean.shape[1]).T)
    return _compiled()(
        mean, spread, np.ascontiguousarray(state.cost), bits(state.executed), lam, depth, samples
    )


@cache
def _compiled() -> Callable[..., IntArray]:
    return jit(_search)


def _search(
    mean: FloatArray,
    spread: FloatArray,
    cost: FloatArray,
    executed: IntArray,
    lam: float,
    depth: int,
    draws: FloatArray,
) -> IntArray:
    n, k = mean.shape
    count = draws.shape[1]
    found = np.zeros(n, dtype=np.int64)
    top = np.empty((k + 1, count))
    samples = np.empty((k, count))
    at = np.empty(k + 1, dtype=np.int64)
    for i in range(n):
        start = 0.0
        size = 0
        top[0, :] = -1e300
        for j in range(k):
            for s in range(count):
                samples[j, s] = mean[i, j] + spread[i, j] * draws[j, s]
            if (executed[i] >> j) & 1:
                size += 1
                start -= lam * cost[i, j]
                for s in range(count):
                    top[0, s] = max(top[0, s], samples[j, s])
        best, mask = -1e300, np.int64(0)
        if size > 0:
            best, mask = start + top[0].mean(), executed[i]
        # depth first over the candidates that have not run, in ascending order
        level, current, due = 0, executed[i], start
        at[0] = -1
        while level >= 0:
            at[level] += 1
            j = at[level]
            if j >= k or size + level >= min(depth, k):
                level -= 1
                if level >= 0:
                    current ^= np.int64(1) << at[level]
                    due += lam * cost[i, at[level]]
                continue
            if (executed[i] >> j) & 1:
                continue
            total = 0.0
            for s in range(count):
                value = max(top[level, s], samples[j, s])
                top[level + 1, s] = value
                total += value
            current |= np.int64(1) << j
            due -= lam * cost[i, j]
            score = due + total / count
            if score > best:
                best, mask = score, current
            level += 1
            at[level] = j
        found[i] = mask
    return found
