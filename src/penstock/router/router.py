"""A fitted router in memory: beliefs, a frontier and a default target. What the gateway drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from penstock.estimators.agreement.model import ConsensusOutlook
from penstock.outcomes.cost_unit import CostUnit
from penstock.policies.base import Policy
from penstock.policies.refusal import note
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Frontier, OperatingPoint
from penstock.router.targets import Target
from penstock.state import State, check_state, draw_of, reject_nan
from penstock.types import Answer, BoolArray, Query


@dataclass(frozen=True)
class Router:
    """Everything a decision needs and nothing that calls a model.

    ``mix`` is the frontier of fixed candidates the policy was guarded against; it is what evaluations compare
    with. ``provenance`` says what it was fitted on and what was chosen; it never enters a decision.
    """

    candidates: tuple[str, ...]
    belief: BeliefModel
    frontier: Frontier
    mix: Frontier
    target: Target
    seed: int = 0
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cost_unit(self) -> CostUnit:
        """What expected costs and budgets are in."""
        return self.frontier.unit

    @property
    def blocking(self) -> bool:
        """Whether ``begin`` and ``observe`` may wait for an embedder: an event loop runs them in a thread."""
        return self.belief.encoder.blocking

    def operating_point(self, target: Target | None = None) -> OperatingPoint:
        """The point on the frontier for a target (the router's own for None). TargetError if out of reach."""
        return self.frontier.at(self.target if target is None else target)

    def policy_for(self, target: Target | None) -> Policy:
        """The policy that meets a target."""
        return self.operating_point(target).policy

    def begin(
        self, queries: Sequence[Query], *, eligible: BoolArray | None = None, seed: int | None = None
    ) -> State:
        """The state of n queries before anything was called; ``eligible`` (n, k) excludes candidates.

        Raises PenstockError where an estimate is not a number or an expected cost is below 0.
        """
        quality, cost = self.belief.before(queries)
        shape = quality.shape
        spread, outlook = self.belief.spread(quality), None
        if self.belief.consensus is not None:
            outlook = self.belief.consensus.outlook(quality)
            quality, spread = outlook.believe(np.zeros(shape, dtype=bool)), None
        used = self.seed if seed is None else seed
        state = State(
            quality=quality,
            cost=cost,
            executed=np.zeros(shape, dtype=bool),
            eligible=np.ones(shape, dtype=bool) if eligible is None else eligible.copy(),
            draw=np.array([draw_of(q.id, used) for q in queries]),
            spread=spread,
            refused=np.zeros(shape, dtype=bool),
            confidence=np.full(shape, np.nan),
            outlook=outlook,
        )
        check_state(state)
        return state

    def observe(self, state: State, row: int, query: Query, answers: Mapping[int, Answer]) -> State:
        """The state after calls have come back: ``answers`` by candidate column, all so far on this query.

        Columns executed already keep their estimate, unless answers are compared with each other: then every
        estimate may move. A refused or failed answer is worth 0. Whether a failed
        candidate is taken out so that the policy decides again is the caller's to say. Raises PenstockError
        where an estimate is not a number.
        """
        quality, executed = state.quality.copy(), state.executed.copy()
        state = note(state, row, answers)
        if self.belief.consensus is not None and isinstance(state.outlook, ConsensusOutlook):
            outlook = self.belief.consensus.tell(state.outlook, row, answers, self.belief.post_hoc)
            executed[row, list(answers)] = True
            quality[row] = outlook.rows(np.array([row])).believe(executed[row : row + 1])[0]
            reject_nan(quality=quality[row : row + 1])
            return replace(state, quality=quality, executed=executed, outlook=outlook)
        spread = None if state.spread is None else state.spread.copy()
        for column, answer in answers.items():
            if not executed[row, column]:
                quality[row, column] = self.belief.after(float(quality[row, column]), answer, column)
                executed[row, column] = True
                if spread is not None:
                    spread[row, column] = 0.0
        reject_nan(quality=quality[row : row + 1])
        return replace(state, quality=quality, executed=executed, spread=spread)
