"""Optimal routing at a price (De Koninck et al. 2025, Theorem 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from penstock.belief import GoesBy
from penstock.codec import key
from penstock.core.routing import frontier_lambdas, hull_edges, route
from penstock.errors import InputError
from penstock.policies.base import Policy, TuningEvidence, already_run, call_or_accept
from penstock.registry import register
from penstock.state import State, Step
from penstock.types import FloatArray

POINTS = 80


@register("policy", "routing")
@dataclass(frozen=True)
class Routing(Policy):
    """Calls the candidate of largest ``quality - lam * cost`` once.

    ``lam`` is in units of quality per USD. Among equals the cheapest (s_MIN), or with ``prefer_expensive``
    the dearest (s_MAX); a ``Mixture`` of the two meets a budget exactly.
    """

    goes_by = GoesBy.NOTHING
    lam: float = field(metadata=key("lambda"))
    prefer_expensive: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.lam < np.inf:
            raise InputError(f"must be a finite number >= 0, not {self.lam}", field="lambda")

    def step(self, state: State) -> Step:
        quality = np.where(state.eligible, state.quality, -np.inf)
        choice = route(quality, state.cost, self.lam, prefer_expensive=self.prefer_expensive)
        return call_or_accept(already_run(choice, state), state)

    def scores(self, state: State) -> FloatArray:
        """(n, k) ``quality - lam * cost``."""
        return state.quality - self.lam * state.cost

    def final_call(self, state: State, column: int) -> bool:
        """Whatever the called candidate answers is accepted."""
        return True

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        return f"best of quality - {self.lam:.4g} x {unit}"

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """Prices spread over the exact breakpoints of the estimates."""
        lambdas = frontier_lambdas(hull_edges(seen.ex_ante, seen.cost), POINTS)
        return [cls(float(lam)) for lam in lambdas]
