"""Two policies mixed at random, once per query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.errors import InputError
from penstock.policies.base import Policy
from penstock.registry import register
from penstock.state import NO_CANDIDATE, State, Step
from penstock.types import FloatArray


@register("policy", "mixture")
@dataclass(frozen=True)
class Mixture(Policy):
    """Follows ``cheap`` with probability ``gamma``, else ``expensive``, for the query's whole life.

    The choice is the query's own draw, so a repeated query gets the same decision.
    """

    cheap: Policy
    expensive: Policy
    gamma: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.gamma <= 1.0:
            raise InputError(f"a probability lies between 0 and 1, not at {self.gamma}", field="gamma")
        if isinstance(self.cheap, Mixture) or isinstance(self.expensive, Mixture):
            # both would read the same draw: one branch of the inner mixture could never be taken
            raise InputError("a mixture is of two policies, none of them a mixture itself", field="mixture")

    def step(self, state: State) -> Step:
        first = state.draw < self.gamma
        call, accept = np.full(len(state), NO_CANDIDATE), np.full(len(state), NO_CANDIDATE)
        for policy, rows in ((self.cheap, np.flatnonzero(first)), (self.expensive, np.flatnonzero(~first))):
            if rows.size:
                step = policy.step(state.rows(rows))
                call[rows], accept[rows] = step.call, step.accept
        return Step(call, accept)

    def branch(self, draw: float) -> Policy:
        """The policy a query with this draw follows."""
        return self.cheap if draw < self.gamma else self.expensive

    def final_call(self, state: State, column: int) -> bool:
        """As the branch of the (single) query says."""
        return self.branch(float(state.draw[0])).final_call(state, column)

    def scores(self, state: State) -> FloatArray | None:
        """As the branch of the (single) query says; None for more than one."""
        return self.branch(float(state.draw[0])).scores(state) if len(state) == 1 else None

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        cheap, expensive = (p.describe(candidates, unit) for p in (self.cheap, self.expensive))
        return f"{self.gamma:.0%}: {cheap}; else {expensive}"


def mixture_of(cheap: Policy, expensive: Policy, gamma: float) -> Policy:
    """The mixture, or one of its branches where the other is never taken."""
    if gamma >= 1.0 or cheap == expensive:
        return cheap
    return expensive if gamma <= 0.0 else Mixture(cheap, expensive, gamma)
