"""The threshold cascade (De Koninck et al. 2025, section 3): cheap first, on while the answer looks worse
than a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.cascade_chains import chain_lambdas, chains, levels
from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.chain import POINTS, ChainPolicy, check_chain
from penstock.registry import register
from penstock.state import State
from penstock.types import BoolArray, FloatArray


@register("policy", "cascade")
@dataclass(frozen=True)
class ThresholdCascade(ChainPolicy):
    """Runs ``chain`` (columns) in order and goes on from its j-th member while that answer's estimated
    quality is below ``thresholds[j]`` (one fewer than members)."""

    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        check_chain(self.chain, self.thresholds)

    def keeps(self, position: int, state: State) -> BoolArray:
        """Where it is estimated at least as good as the threshold."""
        good: BoolArray = state.quality[:, self.chain[position]] >= self.thresholds[position]
        return good

    def in_words(self, position: int) -> str:
        return f"keep at {self.thresholds[position]:.3f} or more"

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """Pairs of the fixed hull's candidates (thresholds at quantiles of the post-hoc estimate), and longer
        chains (``thresholds_for`` a range of prices)."""
        if not seen.answers_move_estimates:
            return []
        found: list[Policy] = []
        for chain in chains(seen.mean_quality, seen.mean_cost):
            if len(chain) == 2:
                found += [cls(chain, (float(t),)) for t in levels(seen.post_hoc[:, chain[0]], POINTS)]
            else:
                quality, cost = seen.mean_quality[list(chain)], seen.mean_cost[list(chain)]
                lambdas = chain_lambdas(chain, seen.mean_quality, seen.mean_cost, POINTS)
                found += [cls(chain, thresholds_for(lam, quality, cost)) for lam in lambdas]
        return found


def thresholds_for(lam: float, quality: FloatArray, cost: FloatArray) -> tuple[float, ...]:
    """Thresholds at price ``lam`` from the chain's mean qualities and costs (m,), in chain order.

    Going on from member j is worth it where some later member i >= j + 1 promises more than the answer at
    hand after paying for everything up to it.
    """
    found = []
    for j in range(1, len(quality)):
        spent = np.cumsum(cost[j:])
        found.append(float((quality[j:] - lam * spent).max()))
    return tuple(found)
