"""A policy: two candidates in order, the second where the first is no better than a coin."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.chain import ChainPolicy, better_later
from penstock.registry import register
from penstock.state import State
from penstock.types import BoolArray


@register("policy", "coin")
@dataclass(frozen=True)
class CoinCascade(ChainPolicy):
    """Keeps an answer that is right at least as often as a coin with this ``bias`` shows heads."""

    bias: float = 0.5

    def keeps(self, position: int, state: State) -> BoolArray:
        likely: BoolArray = state.quality[:, self.chain[position]] >= self.bias
        return likely

    def in_words(self, position: int) -> str:
        return f"keep at {self.bias:.2f} or more"

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        pairs = better_later(range(len(seen.mean_quality)), seen.mean_quality)
        return [cls(pair, bias) for pair in pairs for bias in (0.3, 0.5, 0.7)]
