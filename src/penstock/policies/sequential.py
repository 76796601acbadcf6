"""What all policies share that look at answers before they decide again."""

from __future__ import annotations

import numpy as np

from penstock.core.lambda_grid import lambda_grid
from penstock.errors import InputError
from penstock.policies.base import TuningEvidence
from penstock.state import NO_CANDIDATE, State, Step
from penstock.types import FloatArray, IntArray

KAPPAS = (0.6, 1.0, 1.4)
"""How far estimates are believed to shift, in units of how far they did, where settings are tried."""
POINTS = 30
"""Prices that are tried."""


def check_settings(lams: tuple[float, ...], kappa: float, depth: int | None) -> None:
    """InputError for prices, a variance factor or a depth that mean nothing."""
    if not lams or any(not np.isfinite(lam) or lam < 0 for lam in lams):
        raise InputError("needs prices that are finite and >= 0", field="lambda")
    if not np.isfinite(kappa) or kappa < 0:
        raise InputError(f"must be finite and >= 0, not {kappa}", field="kappa")
    if depth is not None and depth < 1:
        raise InputError(f"must be at least 1, not {depth}", field="max_depth")


def lambdas_for(seen: TuningEvidence) -> list[float]:
    """The prices that are tried."""
    return lambda_grid(seen.ex_ante, seen.cost, POINTS)


def in_words(lams: tuple[float, ...], unit: str) -> str:
    """Prices as they are said."""
    return ", ".join(f"{lam:.4g}" for lam in lams) + f" quality per {unit}"


def best_executed(state: State) -> IntArray:
    """(n,) the executed candidate of highest estimate, the cheaper at ties; -1 where none was executed."""
    quality = np.where(state.executed, state.quality, -np.inf)
    top = quality >= quality.max(axis=1, keepdims=True)
    choice = np.where(top & state.executed, state.cost, np.inf).argmin(axis=1)
    return np.where(state.executed.any(axis=1), choice, NO_CANDIDATE)


def next_of(wanted: IntArray, state: State) -> IntArray:
    """(n,) the cheapest candidate of the wanted sets (bit masks) that has not run; -1 where all have."""
    k = state.cost.shape[1]
    members = (wanted[:, None] >> np.arange(k)) & 1 == 1
    waiting = members & ~state.executed & state.eligible
    choice = np.where(waiting, state.cost, np.inf).argmin(axis=1)
    return np.where(waiting.any(axis=1), choice, NO_CANDIDATE)


def call_else_accept(call: IntArray, state: State) -> Step:
    """Call where somebody is to be called; elsewhere accept the best answer there is (or abstain)."""
    accept = np.where(call >= 0, NO_CANDIDATE, best_executed(state))
    return Step(call=call, accept=accept)


def shift_sd_of(state: State, kappa: float) -> FloatArray:
    """(n, k) how far estimates will still move, times ``kappa``; 0 where nothing is known of it."""
    if state.shift_sd is None:
        return np.zeros_like(state.quality)
    return kappa * np.where(state.executed, 0.0, state.shift_sd)


def shift_sqrt_of(state: State, kappa: float) -> FloatArray:
    """(n, k) or (n, k, k): a square root of the covariance of how estimates will still move, times
    ``kappa``."""
    if state.shift_sqrt is not None:
        return kappa * state.shift_sqrt
    return shift_sd_of(state, kappa)


def lambda_of(lams: tuple[float, ...], state: State) -> FloatArray:
    """(n,) the price at each query's step: the j-th after j candidates have run, the last one from
    then on."""
    step = np.minimum(state.executed.sum(axis=1), len(lams) - 1)
    prices: FloatArray = np.asarray(lams)[step]
    return prices
