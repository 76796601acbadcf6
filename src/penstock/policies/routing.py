"""Optimal routing at a price (papers.md C1, Theorem 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.routing import route
from penstock.errors import InputError
from penstock.policies.base import call_or_accept
from penstock.policies.fixed import already_run
from penstock.state import State, Step
from penstock.types import FloatArray


@dataclass(frozen=True)
class Routing:
    """Calls the candidate of largest ``quality - lam * cost`` once.

    ``lam`` is in units of quality per USD. Among equals the cheapest (s_MIN), or with ``dear`` the dearest
    (s_MAX); a ``Mixture`` of the two meets a budget exactly.
    """

    lam: float
    dear: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.lam < np.inf:
            raise InputError(f"must be a finite number >= 0, not {self.lam}", field="lambda")

    def step(self, state: State) -> Step:
        quality = np.where(state.eligible, state.quality, -np.inf)
        choice = route(quality, state.cost, self.lam, dear=self.dear)
        return call_or_accept(already_run(choice, state), state)

    def scores(self, state: State) -> FloatArray:
        """(n, k) what candidates are ranked by."""
        return state.quality - self.lam * state.cost

    def final_call(self, state: State, column: int) -> bool:
        """Whatever the called candidate answers is accepted."""
        return True

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "routing", "lambda": self.lam, "dear": self.dear}
