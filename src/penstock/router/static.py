"""One policy over a pool as it is, without a fit: SATER's two modes need none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from penstock.errors import TargetError
from penstock.outcomes.cost_unit import USD, CostUnit
from penstock.policies.base import Policy
from penstock.policies.refusal import note
from penstock.router.targets import Target
from penstock.state import State, draw_of
from penstock.types import Answer, BoolArray, Query, Status

UNKNOWN = 0.5
"""The expected quality of everybody: nothing was learned."""


@dataclass(frozen=True)
class PlainRouter:
    """Drives ``policy`` by what answers say of themselves: refusals, and the shares of votes.

    Nothing is known of quality and cost, so that no target can be met; ``target`` is None.
    """

    candidates: tuple[str, ...]
    policy: Policy
    seed: int = 0
    target: Target | None = None

    @property
    def cost_unit(self) -> CostUnit:
        """USD, as everywhere that nothing else was asked for."""
        return USD

    @property
    def blocking(self) -> bool:
        """Whether ``begin`` or ``observe`` may wait for anything: they never do."""
        return False

    def policy_for(self, target: Target | None) -> Policy:
        """The one policy. Raises ``TargetError`` where a target is asked for."""
        if target is not None:
            raise TargetError(f"{target} cannot be met without a fit: ask for plain auto, or fit a router")
        return self.policy

    def begin(
        self, queries: Sequence[Query], *, eligible: BoolArray | None = None, seed: int | None = None
    ) -> State:
        """The state of n queries before anything was called; ``eligible`` (n, k) excludes candidates."""
        shape = (len(queries), len(self.candidates))
        used = self.seed if seed is None else seed
        return State(
            quality=np.full(shape, UNKNOWN),
            cost=np.zeros(shape),
            executed=np.zeros(shape, dtype=bool),
            eligible=np.ones(shape, dtype=bool) if eligible is None else eligible.copy(),
            draw=np.array([draw_of(q.id, used) for q in queries]),
            refused=np.zeros(shape, dtype=bool),
            confidence=np.full(shape, np.nan),
        )

    def observe(self, state: State, row: int, query: Query, answers: Mapping[int, Answer]) -> State:
        """The state after calls have come back: an answer is worth what it says of itself, a refusal 0."""
        quality, executed = state.quality.copy(), state.executed.copy()
        for column, answer in answers.items():
            said = UNKNOWN if answer.confidence is None else answer.confidence
            quality[row, column] = said if answer.status is Status.ANSWERED else 0.0
            executed[row, column] = True
        return replace(note(state, row, answers), quality=quality, executed=executed)
