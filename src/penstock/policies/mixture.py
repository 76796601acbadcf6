"""Two policies mixed at random, once per query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.errors import InputError
from penstock.policies.base import Policy
from penstock.state import NOBODY, State, Step


@dataclass(frozen=True)
class Mixture:
    """Follows ``cheap`` with probability ``gamma``, else ``dear``, for the query's whole life.

    The choice is the query's own draw, so a repeated query gets the same decision (papers.md C1 [O], C11.7).
    """

    cheap: Policy
    dear: Policy
    gamma: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.gamma <= 1.0:
            raise InputError(f"a probability lies between 0 and 1, not at {self.gamma}", field="gamma")
        if isinstance(self.cheap, Mixture) or isinstance(self.dear, Mixture):
            # both would read the same draw: one branch of the inner mixture could never be taken
            raise InputError("a mixture is of two policies, none of them a mixture itself", field="mixture")

    def step(self, state: State) -> Step:
        first = state.draw < self.gamma
        call, accept = np.full(len(state), NOBODY), np.full(len(state), NOBODY)
        for policy, rows in ((self.cheap, np.flatnonzero(first)), (self.dear, np.flatnonzero(~first))):
            if rows.size:
                step = policy.step(state.rows(rows))
                call[rows], accept[rows] = step.call, step.accept
        return Step(call, accept)

    def branch(self, draw: float) -> Policy:
        """The policy a query with this draw follows."""
        return self.cheap if draw < self.gamma else self.dear

    def final_call(self, state: State, column: int) -> bool:
        """As the branch of the (single) query says."""
        decide = getattr(self.branch(float(state.draw[0])), "final_call", None)
        return bool(decide is not None and decide(state, column))

    def spec(self) -> Mapping[str, Any]:
        return {
            "kind": "mixture",
            "gamma": self.gamma,
            "cheap": self.cheap.spec(),
            "dear": self.dear.spec(),
        }


def mix(cheap: Policy, dear: Policy, gamma: float) -> Policy:
    """The mixture, or one of its branches where the other is never taken."""
    if gamma >= 1.0 or cheap == dear:
        return cheap
    return dear if gamma <= 0.0 else Mixture(cheap, dear, gamma)
