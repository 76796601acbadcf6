"""The per-query oracle: routing on true qualities and costs. Evaluation only: it knows the answer key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.routing import route
from penstock.errors import InputError
from penstock.policies.base import call_or_accept
from penstock.state import State, Step
from penstock.types import FloatArray


@dataclass(frozen=True, eq=False)
class Oracle:
    """Routing at price ``lam`` on the true ``quality`` and ``cost`` (n, k) of exactly the replayed
    queries."""

    quality: FloatArray
    cost: FloatArray
    lam: float

    def step(self, state: State) -> Step:
        if len(state) != len(self.quality):
            raise InputError("an oracle replays exactly the rows whose outcomes it was given")
        choice = route(np.where(state.eligible, self.quality, -np.inf), self.cost, self.lam)
        return call_or_accept(choice, state)

    def spec(self) -> Mapping[str, Any]:
        raise InputError("an oracle is for evaluation only and is never written to a bundle")
