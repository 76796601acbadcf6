"""Cascade routing and the optimal cascade (De Koninck et al. 2025, Theorems 3 and 2).

Both value sets of candidates run on the same query, of which the best answer is returned ("supermodels").
Cascade routing may choose any superset of what has run; the optimal cascade only prefixes of one order.
Either way one candidate is run, estimates are revised, and the choice is made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from penstock.codec import key
from penstock.core.draws import normal_draws
from penstock.core.prefixes import best_prefix
from penstock.core.sets import bits
from penstock.core.supermodels import best_supermodel
from penstock.errors import InputError
from penstock.policies.base import Policy, TuningEvidence, serve_stranded
from penstock.policies.sequential import (
    KAPPAS,
    call_else_accept,
    check_settings,
    in_words,
    lambda_of,
    lambdas_for,
    next_of,
    shift_sqrt_of,
)
from penstock.registry import register
from penstock.state import NO_CANDIDATE, State, Step
from penstock.types import IntArray

DEPTH = 5
"""At most so many candidates per query, where settings are tried."""


@register("policy", "cascade_routing")
@dataclass(frozen=True)
class CascadeRouting(Policy):
    """Runs the cheapest un-run member of the best supermodel; stops when that is what has run already.

    ``lams``: the price of a USD at each step, the last one for all later steps. ``kappa`` scales how far
    estimates are believed to move. ``max_depth`` caps the candidates run on one query. ``prefer_expensive``
    takes the dearest of equal sets (s_MAX). Ablations: ``greedy`` considers at most one more candidate,
    ``expect=False`` takes the maximum of means. ``draws`` common samples estimate the expected maximum. The
    answer of the highest estimate is returned.
    """

    lams: tuple[float, ...] = field(metadata=key("lambdas"))
    kappa: float = 1.0
    max_depth: int = 5
    greedy: bool = False
    expect: bool = True
    prefer_expensive: bool = False
    draws: int = 128

    def __post_init__(self) -> None:
        check_settings(self.lams, self.kappa, self.max_depth)

    def step(self, state: State) -> Step:
        executed = bits(state.executed)
        wanted, _ = best_supermodel(
            state.quality,
            shift_sqrt_of(state, self.kappa) if self.expect else None,
            state.cost,
            executed,
            lambda_of(self.lams, state),
            max_depth=self.max_depth,
            draws=normal_draws(self.draws, state.quality.shape[1]),
            prefer_expensive=self.prefer_expensive,
            eligible=bits(state.eligible),
            additional=1 if self.greedy else None,
        )
        return _act(wanted, executed, state)

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        return f"cascade routing at {in_words(self.lams, unit)}, at most {self.max_depth} candidates"

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """A range of prices, each with three beliefs in how much an answer will tell."""
        if not seen.looks_are_worth_something:
            return []
        return [cls((lam,), kappa, DEPTH) for kappa in KAPPAS for lam in lambdas_for(seen)]


@register("policy", "optimal_cascade")
@dataclass(frozen=True)
class OptimalCascade(Policy):
    """The optimal cascade (Theorem 2), which is the same choice among prefixes of ``order`` (columns) only.

    Where no member of the order may be called, the best eligible candidate outside it is.
    """

    order: tuple[int, ...]
    lams: tuple[float, ...] = field(metadata=key("lambdas"))
    kappa: float = 1.0
    max_depth: int = 5
    prefer_expensive: bool = False
    draws: int = 128

    def __post_init__(self) -> None:
        check_settings(self.lams, self.kappa, self.max_depth)
        if not self.order or len(set(self.order)) != len(self.order):
            raise InputError("a cascade needs an order that names each candidate once", field="order")

    def step(self, state: State) -> Step:
        executed = bits(state.executed)
        members = np.zeros_like(state.eligible)
        members[:, list(self.order)] = True
        wanted, _ = best_prefix(
            state.quality,
            shift_sqrt_of(state, self.kappa),
            state.cost,
            executed,
            lambda_of(self.lams, state),
            order=np.array(self._whole_order(state), dtype=np.int64),
            max_depth=self.max_depth,
            draws=normal_draws(self.draws, state.quality.shape[1]),
            prefer_expensive=self.prefer_expensive,
            eligible=bits(state.eligible & members),
        )
        step = _act(wanted, executed, state, self.order)
        stranded = (step.call < 0) & (step.accept < 0)
        if stranded.any():
            serve_stranded(state, stranded, step.call, step.accept)
        return step

    def _whole_order(self, state: State) -> list[int]:
        rest = [j for j in range(state.quality.shape[1]) if j not in self.order]
        return [*self.order, *rest]

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        names = " -> ".join(candidates[c] for c in self.order)
        return f"optimal cascade {names} at {in_words(self.lams, unit)}"

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """In order of mean cost, at the same prices and beliefs as cascade routing."""
        if not seen.looks_are_worth_something:
            return []
        order = tuple(np.argsort(seen.mean_cost, kind="stable").tolist())
        return [cls(order, (lam,), kappa, DEPTH) for kappa in KAPPAS for lam in lambdas_for(seen)]


def _act(wanted: IntArray, executed: IntArray, state: State, order: tuple[int, ...] | None = None) -> Step:
    """Run a member of the wanted set that has not run (the cheapest, or the first of ``order``), or stop."""
    if order is None:
        call = next_of(wanted, state)
    else:
        call = np.full(len(state), NO_CANDIDATE)
        for column in reversed(order):
            waiting = (wanted >> column) & 1 == 1
            call[waiting & ~state.executed[:, column]] = column
    return call_else_accept(np.where(wanted == executed, NO_CANDIDATE, call), state)
