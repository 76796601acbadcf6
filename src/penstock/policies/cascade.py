"""The threshold cascade (papers.md C3): cheap first, on while the answer looks worse than a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.errors import InputError
from penstock.policies.base import NOBODY, State, Step
from penstock.policies.fixed import serve_stranded
from penstock.types import FloatArray


@dataclass(frozen=True)
class ThresholdCascade:
    """Runs ``chain`` (columns) in order and goes on from its j-th member while that answer's estimated
    quality is below ``thresholds[j]`` (one fewer than members); returns the last answer.

    Members that may not be called are skipped; where none may, the best eligible candidate is called.
    """

    chain: tuple[int, ...]
    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.chain or len(self.thresholds) != len(self.chain) - 1:
            raise InputError("a cascade needs one threshold fewer than it has candidates", field="thresholds")
        if len(set(self.chain)) != len(self.chain):
            raise InputError("a cascade runs each candidate once", field="chain")
        if np.isnan(self.thresholds).any():
            raise InputError("a threshold must be a number, not NaN", field="thresholds")

    def step(self, state: State) -> Step:
        n = len(state)
        call, accept = np.full(n, NOBODY), np.full(n, NOBODY)
        settled = np.zeros(n, dtype=bool)
        last = np.full(n, NOBODY)
        for position, column in enumerate(self.chain):
            ran = state.executed[:, column] & ~settled
            last = np.where(ran, column, last)
            if position < len(self.thresholds):
                good = ran & (state.quality[:, column] >= self.thresholds[position])
                accept[good], settled = column, settled | good
            nexts = ~settled & ~state.executed[:, column] & state.eligible[:, column]
            call[nexts], settled = column, settled | nexts
        rest = ~settled
        accept[rest] = last[rest]
        stranded = rest & (last == NOBODY)
        if stranded.any():
            serve_stranded(state, stranded, call, accept)
        return Step(call, accept)

    def final_call(self, state: State, column: int) -> bool:
        """The last eligible member of the chain is accepted whatever it answers."""
        later = self.chain[self.chain.index(column) + 1 :] if column in self.chain else ()
        return not any(state.eligible[0, c] for c in later)

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "cascade", "chain": list(self.chain), "thresholds": list(self.thresholds)}


def thresholds_for(lam: float, quality: FloatArray, cost: FloatArray) -> tuple[float, ...]:
    """Thresholds of C3 at price ``lam`` from the chain's mean qualities and costs (m,), in chain order.

    Going on from member j is worth it where some later member i >= j + 1 promises more than the answer at
    hand after paying for everything up to it.
    """
    found = []
    for j in range(1, len(quality)):
        spent = np.cumsum(cost[j:])
        found.append(float((quality[j:] - lam * spent).max()))
    return tuple(found)
