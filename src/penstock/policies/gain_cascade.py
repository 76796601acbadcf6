"""Cascades with adaptive thresholds: on while the next member's estimated gain is large.

The deferral rules of Jitkrittum et al. 2023 ("When does confidence-based cascade deferral suffice?"), Nie et
al. 2024 and Enomoto & Eda 2021 are the threshold cascade with another estimator: it goes on while eta_h1 -
eta_h2 is below a threshold, eta_h1 being the answer at hand's estimate and eta_h2 the next member's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.cascade_chains import chain_lambdas, chains, levels
from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.chain import POINTS, ChainPolicy, check_chain
from penstock.registry import register
from penstock.state import State
from penstock.types import BoolArray, FloatArray


@register("policy", "gain_cascade")
@dataclass(frozen=True)
class GainCascade(ChainPolicy):
    """Runs ``chain`` (columns) in order and goes on from its j-th member while the next one's estimated
    quality is more than ``thresholds[j]`` above the answer at hand.

    "Next" is the next member that may be called.
    """

    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        check_chain(self.chain, self.thresholds)

    def keeps(self, position: int, state: State) -> BoolArray:
        """Where the next member's gain is at most the threshold."""
        good: BoolArray = self._gain(position, state) <= self.thresholds[position]
        return good

    def in_words(self, position: int) -> str:
        return f"on where the next gains over {self.thresholds[position]:.3f}"

    def _gain(self, position: int, state: State) -> FloatArray:
        """(n,) what the next eligible member promises over the answer at hand; -inf where there is none."""
        promised = np.full(len(state), -np.inf)
        for column in reversed(self.chain[position + 1 :]):
            promised = np.where(state.eligible[:, column], state.quality[:, column], promised)
        gain: FloatArray = promised - state.quality[:, self.chain[position]]
        return gain

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """Quantiles of the next one's estimated gain for pairs, a price of the next one's mean cost for
        longer chains of the fixed hull."""
        if not seen.answers_move_estimates:
            return []
        found: list[Policy] = []
        for chain in chains(seen.mean_quality, seen.mean_cost):
            if len(chain) == 2:
                # a gain at the threshold stops, so everything goes on just below the least gain there is
                gains = levels(seen.post_hoc[:, chain[0]] - seen.ex_ante[:, chain[-1]], POINTS)
                found += [cls(chain, (-float(t),)) for t in gains]
            else:
                steps = seen.mean_cost[list(chain[1:])]
                lambdas = chain_lambdas(chain, seen.mean_quality, seen.mean_cost, POINTS)
                found += [cls(chain, tuple((lam * steps).tolist())) for lam in lambdas]
        return found
