"""SATER's pre-generation mode (EMNLP 2025): the small model answers or declines, and a refusal goes on.

Refusals may come from a confidence instruction, or from a vote that fell short: both are a status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.chain import ChainPolicy, better_later, check_chain
from penstock.registry import register
from penstock.state import State
from penstock.types import BoolArray


@register("policy", "refusal")
@dataclass(frozen=True)
class RefusalCascade(ChainPolicy):
    """Runs ``chain`` (columns) in order and goes on from a member only where it refused."""

    def __post_init__(self) -> None:
        check_chain(self.chain)

    def keeps(self, position: int, state: State) -> BoolArray:
        """Where it did not refuse."""
        answered: BoolArray = ~state.refused[:, self.chain[position]]
        return answered

    def in_words(self, position: int) -> str:
        return "keep unless it refuses"

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        return "on a refusal " + " -> ".join(candidates[c] for c in self.chain)

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """Whoever refuses at times, then one that is better on the whole."""
        if seen.refused is None:
            return []
        refusing = np.flatnonzero(seen.refused.sum(axis=0)).tolist()
        return [cls(pair) for pair in better_later(refusing, seen.mean_quality)]
