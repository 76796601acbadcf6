"""SATER's cascade mode: samples of the small model vote, and an unsure vote goes on (papers.md A, D)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.errors import InputError
from penstock.policies.cascade import check_chain, ends_chain, follow_chain
from penstock.policies.refusal import refusals
from penstock.state import State, Step
from penstock.types import BoolArray, FloatArray


@dataclass(frozen=True)
class VoteCascade:
    """Runs ``chain`` (columns) in order and goes on from its j-th member where it refused or the winner's
    share of its vote is below ``accept[j]`` (one fewer than members, above 0); returns the last answer.

    A threshold cascade whose post-hoc estimate is what the candidate says of itself: it needs no fit. An
    answer that says nothing of itself is held against its estimate.
    """

    chain: tuple[int, ...]
    accept: tuple[float, ...]

    def __post_init__(self) -> None:
        check_chain(self.chain, self.accept)
        if any(share <= 0.0 for share in self.accept):
            raise InputError("a share to be reached lies above 0", field="accept")

    def step(self, state: State) -> Step:
        refused, share = refusals(state), shares(state)

        def keep(position: int) -> BoolArray:
            column = self.chain[position]
            sure: BoolArray = ~refused[:, column] & (share[:, column] >= self.accept[position])
            return sure

        return follow_chain(self.chain, keep, state)

    def final_call(self, state: State, column: int) -> bool:
        """The last eligible member of the chain is accepted whatever it answers."""
        return ends_chain(self.chain, state, column)

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "vote", "chain": list(self.chain), "accept": list(self.accept)}


def shares(state: State) -> FloatArray:
    """(n, k) how sure each answer is: the share its vote won, its estimate where it says nothing."""
    if state.confidence is None:
        return state.quality
    return np.where(np.isnan(state.confidence), state.quality, state.confidence)
