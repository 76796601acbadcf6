"""How long a decision takes: one step of a batch in the kernels, on one core."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from benchmarks.experiments.exhaustive import exhaustive_step
from penstock.core.draws import normal_draws
from penstock.core.index import index_step
from penstock.core.supermodels import best_supermodel
from penstock.policies.base import State
from penstock.policies.sequential import bits, move_factor, spread_of
from penstock.types import FloatArray

Step = Callable[[float], object]


def supermodel_step(state: State, depth: int, draws: int = 128) -> Step:
    """lambda -> one batched step of cascade routing."""
    executed, factor = bits(state.executed), move_factor(state, 1.0)
    samples = normal_draws(draws, state.quality.shape[1])
    return lambda lam: best_supermodel(
        state.quality, factor, state.cost, executed, lam, max_depth=depth, draws=samples, compiled=True
    )


def every_set_step(state: State, depth: int) -> Step:
    """lambda -> the same without Lemma 1."""
    return lambda lam: exhaustive_step(state, lam, depth)


def reservation_step(state: State) -> Step:
    """lambda -> one batched step of the index policy."""
    # bit masks hold 62 candidates; beyond, flags
    executed = bits(state.executed) if state.quality.shape[1] <= 62 else state.executed
    spread = spread_of(state, 1.0)
    return lambda lam: index_step(state.quality, spread, state.cost, executed, lam, compiled=True)


def microseconds(step: Step, prices: FloatArray, queries: int, repeats: int = 3) -> FloatArray:
    """(len(prices),) microseconds per query: the best of ``repeats``, compiled kernels warmed up first."""
    step(float(prices[0]))
    found = []
    for lam in prices.tolist():
        best = np.inf
        for _ in range(repeats):
            started = perf_counter()
            step(lam)
            best = min(best, perf_counter() - started)
        found.append(1e6 * best / queries)
    return np.array(found)
