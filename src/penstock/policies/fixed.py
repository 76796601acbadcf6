"""Always the same candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.policies.base import call_or_accept
from penstock.state import NOBODY, State, Step
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Fixed:
    """Calls ``candidate`` (a column of the pool); where it is not eligible, the best eligible one."""

    candidate: int

    def step(self, state: State) -> Step:
        wanted = where_eligible(np.full(len(state), self.candidate), state)
        return call_or_accept(already_run(wanted, state), state)

    def final_call(self, state: State, column: int) -> bool:
        """Whatever the called candidate answers is accepted."""
        return True

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "fixed", "candidate": self.candidate}


def already_run(choice: IntArray, state: State) -> IntArray:
    """The candidate that has been run, where one has; else ``choice``: what an answer says of itself never
    makes a one-shot policy choose again."""
    return np.where(state.executed.any(axis=1), state.executed.argmax(axis=1), choice)


def where_eligible(choice: IntArray, state: State) -> IntArray:
    """``choice`` where it may be called; elsewhere the eligible candidate of highest estimate; else -1."""
    rows = np.arange(len(choice))
    allowed = state.eligible[rows, np.maximum(choice, 0)] & (choice >= 0)
    quality: FloatArray = np.where(state.eligible, state.quality, -np.inf)
    best = np.where(state.eligible.any(axis=1), quality.argmax(axis=1), -1)
    return np.where(allowed, choice, best)


def serve_stranded(state: State, stranded: BoolArray, call: IntArray, accept: IntArray) -> None:
    """Where no member of a cascade may be called (``stranded``, (n,)): call, then accept, the best eligible
    candidate outside it. Writes into ``call`` and ``accept``."""
    fallback = already_run(where_eligible(np.full(len(state), NOBODY), state), state)
    rows = np.arange(len(state))
    done = (fallback >= 0) & state.executed[rows, np.maximum(fallback, 0)]
    call[stranded & ~done] = fallback[stranded & ~done]
    accept[stranded & done] = fallback[stranded & done]
