"""How long a decision takes: one step of a batch in the kernels, on one core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import thread_time

import numpy as np

from benchmarks.experiments.exhaustive import exhaustive_step
from penstock.core.draws import normal_draws
from penstock.core.index import index_step
from penstock.core.sets import bits
from penstock.core.supermodels import best_supermodel
from penstock.policies.sequential import shift_sd_of, shift_sqrt_of
from penstock.state import State
from penstock.types import FloatArray

Step = Callable[[float], object]


def supermodel_step(state: State, depth: int, draws: int = 128) -> Step:
    """lambda -> one batched step of cascade routing."""
    executed, factor = bits(state.executed), shift_sqrt_of(state, 1.0)
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
    spread = shift_sd_of(state, 1.0)
    return lambda lam: index_step(state.quality, spread, state.cost, executed, lam, compiled=True)


def microseconds(step: Step, prices: FloatArray, queries: int, repeats: int = 5) -> FloatArray:
    """(len(prices),) microseconds per query of one step."""
    alone: FloatArray = side_by_side([step], prices, queries, repeats)[1, 0]
    return alone


def side_by_side(steps: Sequence[Step], prices: FloatArray, queries: int, repeats: int = 5) -> FloatArray:
    """(2, len(steps), len(prices)) microseconds per query: medians of ``repeats`` of the thread's CPU time.

    The steps take turns at every price, so that what else the machine does falls on all of them alike. A turn
    is two runs: the first finds in the caches what the step before it left there, the second its own.
    """
    for step in steps:  # compiled kernels are loaded
        step(float(prices[0]))
    times = np.empty((repeats, 2, len(steps), len(prices)))
    for column, lam in enumerate(prices.tolist()):
        for turn in range(repeats):
            for row, step in enumerate(steps):
                for run in range(2):
                    started = thread_time()
                    step(lam)
                    times[turn, run, row, column] = thread_time() - started
    found: FloatArray = 1e6 * np.median(times, axis=0) / queries
    return found
