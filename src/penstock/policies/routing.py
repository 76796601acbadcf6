"""Optimal routing at a price (papers.md C1, Theorem 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.routing import route
from penstock.policies.base import State, Step, call_or_accept


@dataclass(frozen=True)
class Routing:
    """Calls the candidate of largest ``quality - lam * cost`` once.

    ``lam`` is in units of quality per USD. Among equals the cheapest (s_MIN), or with ``dear`` the dearest
    (s_MAX); a ``Mixture`` of the two meets a budget exactly.
    """

    lam: float
    dear: bool = False

    def step(self, state: State) -> Step:
        open_rows = ~state.executed.any(axis=1)
        quality = np.where(state.eligible, state.quality, -np.inf)
        choice = route(quality, state.cost, self.lam, dear=self.dear)
        done = np.where(state.executed.any(axis=1), state.executed.argmax(axis=1), -1)
        return call_or_accept(np.where(open_rows, choice, done), state)

    def final_call(self, state: State, column: int) -> bool:
        """Whatever the called candidate answers is accepted."""
        return True

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "routing", "lambda": self.lam, "dear": self.dear}
