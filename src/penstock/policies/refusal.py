"""SATER's pre-generation mode: the small model answers or declines, and a refusal goes on (papers.md A).

Refusals may come from a confidence instruction, or from a vote that fell short: both are a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penstock.policies.cascade import check_chain, ends_chain, follow_chain
from penstock.state import State, Step
from penstock.types import Answer, BoolArray, Status


@dataclass(frozen=True)
class RefusalCascade:
    """Runs ``chain`` (columns) in order and goes on from a member only where it refused; returns the last
    answer.

    Members that may not be called are skipped; where none may, the best eligible candidate is called.
    """

    chain: tuple[int, ...]

    def __post_init__(self) -> None:
        check_chain(self.chain, (0.0,) * (len(self.chain) - 1))

    def step(self, state: State) -> Step:
        refused = refusals(state)

        def keep(position: int) -> BoolArray:
            answered: BoolArray = ~refused[:, self.chain[position]]
            return answered

        return follow_chain(self.chain, keep, state)

    def final_call(self, state: State, column: int) -> bool:
        """The last eligible member of the chain is accepted whatever it answers."""
        return ends_chain(self.chain, state, column)

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "refusal", "chain": list(self.chain)}


def refusals(state: State) -> BoolArray:
    """(n, k) who was called and declined: as noted, and where nobody kept account of it, whose answer is
    worth nothing."""
    declined: BoolArray = state.quality <= 0.0 if state.refused is None else state.refused
    return state.executed & declined


def note(state: State, row: int, answers: Mapping[int, Answer]) -> State:
    """The state with what new answers of one query say of themselves: refusals and confidences."""
    if state.refused is None or state.confidence is None:
        return state
    refused, confidence = state.refused.copy(), state.confidence.copy()
    for column, answer in answers.items():
        refused[row, column] = answer.status is not Status.ANSWERED
        confidence[row, column] = np.nan if answer.confidence is None else answer.confidence
    return replace(state, refused=refused, confidence=confidence)
