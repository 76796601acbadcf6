"""The per-query oracle: routing on true qualities and costs. Evaluation only: it knows the answer key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType, NoReturn

import numpy as np

from penstock import codec
from penstock.belief import GoesBy
from penstock.core.routing import route
from penstock.errors import InputError
from penstock.policies.base import Policy, call_or_accept
from penstock.registry import register
from penstock.state import State, Step
from penstock.types import FloatArray

AnswerKey = NewType("AnswerKey", FloatArray)
"""True outcomes (n, k) of the queries that are replayed."""


@register("policy", "oracle")
@dataclass(frozen=True, eq=False)
class Oracle(Policy):
    """Routing at price ``lam`` on the true ``quality`` and ``cost`` (n, k) of exactly the replayed
    queries. Never written down: ``spec`` and a bundle it stands in raise ``InputError``."""

    goes_by = GoesBy.NOTHING
    quality: AnswerKey
    cost: AnswerKey
    lam: float

    def step(self, state: State) -> Step:
        if len(state) != len(self.quality):
            raise InputError("an oracle replays exactly the rows whose outcomes it was given")
        choice = route(np.where(state.eligible, self.quality, -np.inf), self.cost, self.lam)
        return call_or_accept(choice, state)


def _refuse(outcomes: AnswerKey) -> NoReturn:
    raise InputError("an oracle is for evaluation only and is never written to a bundle")


codec.external(AnswerKey, _refuse)
