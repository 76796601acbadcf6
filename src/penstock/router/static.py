"""One policy over a pool as it is, without a fit: SATER's two modes need none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.belief import Belief, OwnAnswerBelief
from penstock.errors import TargetError
from penstock.outcomes.cost_unit import USD, CostUnit
from penstock.policies.base import Policy
from penstock.router.targets import Target
from penstock.state import State, draw_of
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Query

UNKNOWN = 0.5
"""The expected quality of everybody: nothing was learned."""


@dataclass(frozen=True)
class StaticRouter:
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
        """Whether believing or observing may wait for anything: they never do."""
        return False

    def policy_for(self, target: Target | None) -> Policy:
        """The one policy. Raises ``TargetError`` where a target is asked for."""
        if target is not None:
            raise TargetError(f"{target} cannot be met without a fit: ask for plain auto, or fit a router")
        return self.policy

    def believe(self, queries: Sequence[Query], *, seed: int | None = None) -> Belief:
        """An answer is worth what it says of itself, a refusal 0."""
        shape = (len(queries), len(self.candidates))
        used = self.seed if seed is None else seed
        nothing = np.full(shape, UNKNOWN)
        draw = np.array([draw_of(q.id, used) for q in queries])
        return OwnAnswerBelief(nothing, nothing, np.zeros(shape), draw, read=_said)

    def begin(self, queries: Sequence[Query], *, eligible: BoolArray | None = None) -> State:
        """The state of n queries before anything was called; ``eligible`` (n, k) excludes candidates."""
        return self.believe(queries).begin(eligible)


def _said(ex_ante: FloatArray, answers: Sequence[Answer], columns: IntArray) -> FloatArray:
    return np.array([UNKNOWN if a.confidence is None else a.confidence for a in answers], dtype=np.float64)
