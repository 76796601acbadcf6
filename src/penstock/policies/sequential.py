"""What all policies share that look at answers before they decide again."""

from __future__ import annotations

import numpy as np

from penstock.state import NOBODY, State, Step
from penstock.types import BoolArray, FloatArray, IntArray


def bits(flags: BoolArray) -> IntArray:
    """(n, k) flags -> (n,) bit masks, candidate j at bit j."""
    weights: IntArray = np.left_shift(np.int64(1), np.arange(flags.shape[1], dtype=np.int64))
    masks: IntArray = flags @ weights
    return masks


def best_executed(state: State) -> IntArray:
    """(n,) the executed candidate of highest estimate, the cheaper at ties; -1 where none was executed."""
    quality = np.where(state.executed, state.quality, -np.inf)
    top = quality >= quality.max(axis=1, keepdims=True)
    choice = np.where(top & state.executed, state.cost, np.inf).argmin(axis=1)
    return np.where(state.executed.any(axis=1), choice, NOBODY)


def next_of(wanted: IntArray, state: State) -> IntArray:
    """(n,) the cheapest candidate of the wanted sets (bit masks) that has not run; -1 where all have."""
    k = state.cost.shape[1]
    members = (wanted[:, None] >> np.arange(k)) & 1 == 1
    waiting = members & ~state.executed & state.eligible
    choice = np.where(waiting, state.cost, np.inf).argmin(axis=1)
    return np.where(waiting.any(axis=1), choice, NOBODY)


def call_else_accept(call: IntArray, state: State) -> Step:
    """Call where somebody is to be called; elsewhere accept the best answer there is (or abstain)."""
    accept = np.where(call >= 0, NOBODY, best_executed(state))
    return Step(call=call, accept=accept)


def spread_of(state: State, kappa: float) -> FloatArray:
    """(n, k) how far estimates will still move, times ``kappa``; 0 where nothing is known of it."""
    if state.spread is None:
        return np.zeros_like(state.quality)
    return kappa * np.where(state.executed, 0.0, state.spread)


def move_factor(state: State, kappa: float) -> FloatArray:
    """(n, k) or (n, k, k): a square root of the covariance of how estimates will still move, times
    ``kappa``."""
    if state.factor is not None:
        return kappa * state.factor
    return spread_of(state, kappa)


def lambda_of(lams: tuple[float, ...], state: State) -> FloatArray:
    """(n,) the price at each query's step: the j-th after j candidates have run, the last one from
    then on."""
    step = np.minimum(state.executed.sum(axis=1), len(lams) - 1)
    prices: FloatArray = np.asarray(lams)[step]
    return prices
