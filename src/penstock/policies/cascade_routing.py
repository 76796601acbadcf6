"""Cascade routing (papers.md C4, Theorem 3) and the optimal cascade (C2, Theorem 2).

Both value sets of candidates run on the same query, of which the best answer is returned
("supermodels"). Cascade
routing may choose any superset of what has run; the optimal cascade only prefixes of one order. Either
way one candidate is run, estimates are revised, and the choice is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.draws import normal_draws
from penstock.core.prefixes import best_prefix
from penstock.core.supermodels import best_supermodel
from penstock.errors import InputError
from penstock.policies.fixed import serve_stranded
from penstock.policies.sequential import bits, call_else_accept, lambda_of, move_factor, next_of
from penstock.state import NOBODY, State, Step
from penstock.types import IntArray


@dataclass(frozen=True)
class CascadeRouting:
    """Runs the cheapest un-run member of the best supermodel; stops when that is what has run already.

    ``lams``: the price of a USD at each step, the last one for all later steps. ``kappa`` scales how far
    estimates are believed to move. ``max_depth`` caps the candidates run on one query. ``dear`` takes
    the dearest
    of equal sets (s_MAX). Ablations: ``greedy`` considers at most one more candidate, ``expect=False``
    takes the
    maximum of means. ``draws`` common samples estimate the expected maximum. The answer of the highest
    estimate is returned.
    """

    lams: tuple[float, ...]
    kappa: float = 1.0
    max_depth: int = 5
    greedy: bool = False
    expect: bool = True
    dear: bool = False
    draws: int = 128

    def __post_init__(self) -> None:
        check_settings(self.lams, self.kappa, self.max_depth)

    def step(self, state: State) -> Step:
        executed = bits(state.executed)
        wanted, _ = best_supermodel(
            state.quality,
            move_factor(state, self.kappa) if self.expect else None,
            state.cost,
            executed,
            lambda_of(self.lams, state),
            max_depth=self.max_depth,
            draws=normal_draws(self.draws, state.quality.shape[1]),
            dear=self.dear,
            eligible=bits(state.eligible),
            additional=1 if self.greedy else None,
        )
        return _act(wanted, executed, state)

    def spec(self) -> Mapping[str, Any]:
        return {
            "kind": "cascade_routing",
            "lambdas": list(self.lams),
            "kappa": self.kappa,
            "max_depth": self.max_depth,
            "greedy": self.greedy,
            "expect": self.expect,
            "dear": self.dear,
            "draws": self.draws,
        }


@dataclass(frozen=True)
class OptimalCascade:
    """Theorem 2's cascade: the same choice among prefixes of ``order`` (columns) only.

    Where no member of the order may be called, the best eligible candidate outside it is.
    """

    order: tuple[int, ...]
    lams: tuple[float, ...]
    kappa: float = 1.0
    max_depth: int = 5
    dear: bool = False
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
            move_factor(state, self.kappa),
            state.cost,
            executed,
            lambda_of(self.lams, state),
            order=np.array(self._whole_order(state), dtype=np.int64),
            max_depth=self.max_depth,
            draws=normal_draws(self.draws, state.quality.shape[1]),
            dear=self.dear,
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

    def spec(self) -> Mapping[str, Any]:
        return {
            "kind": "optimal_cascade",
            "order": list(self.order),
            "lambdas": list(self.lams),
            "kappa": self.kappa,
            "max_depth": self.max_depth,
            "dear": self.dear,
            "draws": self.draws,
        }


def check_settings(lams: tuple[float, ...], kappa: float, depth: int | None) -> None:
    """InputError for prices, a variance factor or a depth that mean nothing."""
    if not lams or any(not np.isfinite(lam) or lam < 0 for lam in lams):
        raise InputError("needs prices that are finite and >= 0", field="lambda")
    if not np.isfinite(kappa) or kappa < 0:
        raise InputError(f"must be finite and >= 0, not {kappa}", field="kappa")
    if depth is not None and depth < 1:
        raise InputError(f"must be at least 1, not {depth}", field="max_depth")


def _act(wanted: IntArray, executed: IntArray, state: State, order: tuple[int, ...] | None = None) -> Step:
    """Run a member of the wanted set that has not run (the cheapest, or the first of ``order``), or stop."""
    if order is None:
        call = next_of(wanted, state)
    else:
        call = np.full(len(state), NOBODY)
        for column in reversed(order):
            waiting = (wanted >> column) & 1 == 1
            call[waiting & ~state.executed[:, column]] = column
    return call_else_accept(np.where(wanted == executed, NOBODY, call), state)
