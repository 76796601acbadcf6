"""A decision before anything is called: every candidate's estimates, and what the policy would do first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.policies.base import Policy
from penstock.router.frontier import OperatingPoint
from penstock.router.router import FittedRouter
from penstock.router.targets import Target
from penstock.state import State
from penstock.types import Query


@dataclass(frozen=True)
class Expected:
    """One candidate on one query: expected quality and cost, and the ``score`` the policy ranks it by
    (routing: quality - lambda * cost; index: the reservation value), None where it ranks by none."""

    name: str
    quality: float
    cost: float
    score: float | None
    eligible: bool


@dataclass(frozen=True)
class FirstStep:
    """``ranking`` by falling score (or quality); ``call`` is the candidate asked first, None for nobody;
    ``policy`` is the one in force for this query, of a mixture the branch its draw takes."""

    ranking: tuple[Expected, ...]
    call: str | None
    policy: Policy
    point: OperatingPoint
    draw: float


def first_step(router: FittedRouter, query: Query, target: Target | None = None) -> FirstStep:
    """Decide without calling anything. TargetError where the target is out of reach."""
    point = router.operating_point(target)
    state = router.begin([query])
    call = int(point.policy.step(state).call[0])
    branch = point.policy.branch(float(state.draw[0]))
    return FirstStep(
        ranking=rank(router.candidates, state, branch),
        call=None if call < 0 else router.candidates[call],
        policy=branch,
        point=point,
        draw=float(state.draw[0]),
    )


def rank(candidates: Sequence[str], state: State, branch: Policy) -> tuple[Expected, ...]:
    """The candidates of a batch of one, best first."""
    ranked = branch.scores(state)
    scores = None if ranked is None else ranked[0]
    items = [
        Expected(
            name,
            float(state.quality[0, j]),
            float(state.cost[0, j]),
            None if scores is None or not np.isfinite(scores[j]) else float(scores[j]),
            bool(state.eligible[0, j]),
        )
        for j, name in enumerate(candidates)
    ]
    return tuple(sorted(items, key=_best_first))


def _best_first(item: Expected) -> tuple[bool, float, float]:
    return not item.eligible, -(item.quality if item.score is None else item.score), item.cost
