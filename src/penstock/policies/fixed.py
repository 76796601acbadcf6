"""Always the same candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.belief import GoesBy
from penstock.policies.base import Policy, already_run, call_or_accept, where_eligible
from penstock.registry import register
from penstock.state import State, Step


@register("policy", "fixed")
@dataclass(frozen=True)
class Fixed(Policy):
    """Calls ``candidate`` (a column of the pool); where it is not eligible, the best eligible one."""

    goes_by = GoesBy.NOTHING
    candidate: int

    def step(self, state: State) -> Step:
        wanted = where_eligible(np.full(len(state), self.candidate), state)
        return call_or_accept(already_run(wanted, state), state)

    def final_call(self, state: State, column: int) -> bool:
        """Whatever the called candidate answers is accepted."""
        return True

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        return f"always {candidates[self.candidate]}"


def every_candidate(count: int) -> list[Policy]:
    """Each of ``count`` candidates by itself; the hull of these is the fixed mixture."""
    return [Fixed(j) for j in range(count)]
