"""SATER's cascade mode (EMNLP 2025): samples of the small model vote, and an unsure vote goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.errors import InputError
from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.chain import POINTS, ChainPolicy, better_later, check_chain
from penstock.registry import register
from penstock.state import State
from penstock.types import BoolArray


@register("policy", "vote")
@dataclass(frozen=True)
class VoteCascade(ChainPolicy):
    """Runs ``chain`` (columns) in order and goes on from its j-th member where it refused or the winner's
    share of its vote is below ``accept[j]`` (one fewer than members, above 0).

    A threshold cascade whose post-hoc estimate is what the candidate says of itself: it needs no fit. An
    answer that says nothing of itself is held against its estimate.
    """

    accept: tuple[float, ...]

    def __post_init__(self) -> None:
        check_chain(self.chain, self.accept)
        if any(share <= 0.0 for share in self.accept):
            raise InputError("a share to be reached lies above 0", field="accept")

    def keeps(self, position: int, state: State) -> BoolArray:
        """Where it answered and is sure enough."""
        column = self.chain[position]
        said = state.confidence[:, column]
        share = np.where(np.isnan(said), state.quality[:, column], said)
        sure: BoolArray = ~state.refused[:, column] & (share >= self.accept[position])
        return sure

    def in_words(self, position: int) -> str:
        return f"accept a vote of {self.accept[position]:.3g}"

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """Whoever says how sure it is, then one that is better, at shares over those seen."""
        if seen.confidence is None:
            return []
        found: list[Policy] = []
        telling = np.flatnonzero(np.isnan(seen.confidence).sum(axis=0) == 0).tolist()
        for pair in better_later(telling, seen.mean_quality):
            shares = np.unique(seen.confidence[:, pair[0]])
            spread = np.linspace(0, len(shares) - 1, POINTS).round().astype(int)
            found += [cls(pair, (float(t),)) for t in shares[np.unique(spread)] if t > 0.0]
        return found
