"""Cascades with adaptive thresholds: on while the next member's estimated gain is large (papers.md C3).

The deferral rules of Jitkrittum et al. 2023 ("When does confidence-based cascade deferral suffice?"), Nie et
al. 2024 and Enomoto & Eda 2021 are the threshold cascade with another estimator: it goes on while eta_h1 -
eta_h2 is below a threshold, eta_h1 being the answer at hand's estimate and eta_h2 the next member's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.policies.cascade import check_chain, ends_chain, follow_chain
from penstock.state import State, Step
from penstock.types import BoolArray, FloatArray


@dataclass(frozen=True)
class GainCascade:
    """Runs ``chain`` (columns) in order and goes on from its j-th member while the next one's estimated
    quality is more than ``thresholds[j]`` above the answer at hand; returns the last answer.

    "Next" is the next member that may be called. Where none may, the best eligible candidate is called.
    """

    chain: tuple[int, ...]
    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        check_chain(self.chain, self.thresholds)

    def step(self, state: State) -> Step:
        def keep(position: int) -> BoolArray:
            good: BoolArray = self._gain(position, state) <= self.thresholds[position]
            return good

        return follow_chain(self.chain, keep, state)

    def _gain(self, position: int, state: State) -> FloatArray:
        """(n,) what the next eligible member promises over the answer at hand; -inf where there is none."""
        promised = np.full(len(state), -np.inf)
        for column in reversed(self.chain[position + 1 :]):
            promised = np.where(state.eligible[:, column], state.quality[:, column], promised)
        gain: FloatArray = promised - state.quality[:, self.chain[position]]
        return gain

    def final_call(self, state: State, column: int) -> bool:
        """The last eligible member of the chain is accepted whatever it answers."""
        return ends_chain(self.chain, state, column)

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "gain_cascade", "chain": list(self.chain), "thresholds": list(self.thresholds)}
