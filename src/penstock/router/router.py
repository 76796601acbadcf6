"""A fitted router in memory: beliefs, a frontier and a default target. What the gateway drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock.belief import Belief
from penstock.outcomes.cost_unit import CostUnit
from penstock.policies.base import Policy
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Frontier, OperatingPoint
from penstock.router.targets import Target
from penstock.state import State, draw_of
from penstock.types import BoolArray, Query


@dataclass(frozen=True, repr=False)
class FittedRouter:
    """Everything a decision needs and nothing that calls a model.

    ``fixed_mixture`` is the frontier of fixed candidates the policy was guarded against; it is what
    evaluations compare with. ``provenance`` says what it was fitted on and what was chosen; it never enters a
    decision.
    """

    candidates: tuple[str, ...]
    model: BeliefModel
    frontier: Frontier
    fixed_mixture: Frontier
    target: Target
    seed: int = 0
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cost_unit(self) -> CostUnit:
        """What expected costs and budgets are in."""
        return self.frontier.unit

    @property
    def blocking(self) -> bool:
        """Whether believing or observing may wait for an embedder: an event loop does it in a thread."""
        return self.model.blocking

    def operating_point(self, target: Target | None = None) -> OperatingPoint:
        """The point on the frontier for a target (the router's own for None). TargetError if out of reach."""
        return self.frontier.at(self.target if target is None else target)

    def policy_for(self, target: Target | str | None) -> Policy:
        """The policy that meets a target, which may be written as ``quality=0.95``."""
        return self.operating_point(Target.parse(target) if isinstance(target, str) else target).policy

    def believe(self, queries: Sequence[Query | str], *, seed: int | None = None) -> Belief:
        """What is believed of n live queries, whose draws go by ``seed`` (None: the router's own). A text is
        a query of that one prompt."""
        used = self.seed if seed is None else seed
        asked = [Query.from_prompt(q, q) if isinstance(q, str) else q for q in queries]
        return self.model.believe(asked, np.array([draw_of(q.id, used) for q in asked]))

    def begin(self, queries: Sequence[Query | str], *, eligible: BoolArray | None = None) -> State:
        """What is expected of n queries before anything is called; ``eligible`` (n, k) excludes candidates.

        Raises PenstockError where an estimate is not a number or an expected cost is below 0.
        """
        return self.believe(queries).begin(eligible)

    def __repr__(self) -> str:
        point, unit = self.operating_point(), self.cost_unit.label
        best = self.fixed_mixture.best_fixed
        chosen = self.provenance.get("chosen", "")
        return (
            f"router among {', '.join(self.candidates)} for {self.target}\n"
            f"  {chosen + ': ' if chosen else ''}{point.policy.describe(self.candidates, unit)}\n"
            f"  expected: quality {point.quality:.3f} at {point.cost:.3g} {unit} per query; the best fixed "
            f"candidate has {best.quality:.3f} at {best.cost:.3g}"
        )
