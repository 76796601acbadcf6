"""The index policy: Weitzman's (1979) optimal rule for sequential costly looks (design.md, decision 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.index import index_step
from penstock.core.reservation import reservation_values
from penstock.errors import InputError
from penstock.policies.cascade_routing import check_settings
from penstock.policies.sequential import call_else_accept, spread_of
from penstock.state import NOBODY, State, Step
from penstock.types import FloatArray


@dataclass(frozen=True)
class Index:
    """Runs the candidate of largest reservation value; stops when the best answer is at least every other's.

    Optimal among adaptive policies where candidates move independently, in O(k log k) instead of 2^k; a
    heuristic where they do not. ``lam`` is the price of a USD, ``kappa`` scales how far estimates are
    believed
    to move, ``runs`` caps the candidates run on one query (None: no cap), ``ceiling`` is the highest quality
    there is (None: none). ``dear`` breaks ties towards running on (s_MAX).
    """

    lam: float
    kappa: float = 1.0
    runs: int | None = None
    ceiling: float | None = 1.0
    dear: bool = False

    def __post_init__(self) -> None:
        check_settings((self.lam,), self.kappa, self.runs)
        if self.ceiling is not None and not np.isfinite(self.ceiling):
            raise InputError("must be finite, or absent", field="ceiling")

    def step(self, state: State) -> Step:
        call = index_step(
            state.quality,
            spread_of(state, self.kappa),
            state.cost,
            state.executed,
            self.lam,
            cap=self.ceiling,
            runs=self.runs,
            eligible=state.eligible,
            dear=self.dear,
        )
        if (call >= 0).all():  # the usual first step: no best answer is to be found
            return Step(call=call, accept=np.full_like(call, NOBODY))
        return call_else_accept(call, state)

    def scores(self, state: State) -> FloatArray:
        """(n, k) reservation values: what un-run candidates are ranked by; infinite for a free look."""
        due = self.lam * state.cost
        return reservation_values(state.quality, spread_of(state, self.kappa), due, cap=self.ceiling)

    def spec(self) -> Mapping[str, Any]:
        return {
            "kind": "index",
            "lambda": self.lam,
            "kappa": self.kappa,
            "runs": self.runs,
            "ceiling": self.ceiling,
            "dear": self.dear,
        }
