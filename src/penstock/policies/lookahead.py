"""Look ahead: call whoever is worth most once what the answer may show has been thought through.

Unlike the index (design.md, decision 5) it does not take candidates for independent: that a second answer may
confirm or contradict the first is where its worth lies, and the first call is valued with that in view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.errors import InputError
from penstock.policies.cascade_routing import check_settings
from penstock.policies.sequential import call_else_accept
from penstock.state import NOBODY, State, Step
from penstock.types import BoolArray, IntArray


@dataclass(frozen=True)
class Lookahead:
    """At price ``lam`` per USD, with ``first`` looks beyond the next answer before anything has run and
    ``then`` afterwards (0, 1 or 2), and at most ``runs`` candidates per query (None: no cap).

    Needs a state with an ``outlook``. Where there is none, answers are expected to show nothing: the best
    single candidate is called and accepted, as routing would.
    """

    lam: float
    first: int = 2
    then: int = 1
    runs: int | None = None

    def __post_init__(self) -> None:
        check_settings((self.lam,), 1.0, self.runs)
        if not {self.first, self.then} <= {0, 1, 2}:
            raise InputError(f"looks ahead 0, 1 or 2 answers, not {self.first} and {self.then}")

    def step(self, state: State) -> Step:
        open_ = state.eligible & ~state.executed
        if self.runs is not None:
            open_ &= (state.executed.sum(axis=1) < self.runs)[:, None]
        price = self.lam * state.cost
        if state.outlook is None:
            call = _best_single(state, open_, self.lam)
        else:
            call = state.outlook.ahead(state.executed, open_, price, first=self.first, then=self.then)
        if (call >= 0).all():
            return Step(call=call, accept=np.full_like(call, NOBODY))
        return call_else_accept(call, state)

    def spec(self) -> Mapping[str, Any]:
        return {
            "kind": "lookahead",
            "lambda": self.lam,
            "first": self.first,
            "then": self.then,
            "runs": self.runs,
        }


def _best_single(state: State, open_: BoolArray, lam: float) -> IntArray:
    """(n,) the best open candidate where nothing has run, else -1."""
    value = np.where(open_, state.quality - lam * state.cost, -np.inf)
    may = open_.any(axis=1) & ~state.executed.any(axis=1)
    return np.where(may, value.argmax(axis=1), NOBODY)
