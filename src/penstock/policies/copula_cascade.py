"""Threshold cascades tuned on a model of their confidences (Zellinger & Thomson, arXiv 2501.09345)."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.core.cascade_chains import chain_lambdas, chains
from penstock.core.copula import fit_chain
from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.chain import POINTS
from penstock.registry import register


@register("policy", "copula_cascade")
@dataclass(frozen=True)
class CopulaCascade(ThresholdCascade):
    """A threshold cascade whose thresholds were optimised on a Markov-copula model of the estimates along the
    chain, not by replay."""

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """The tuned thresholds over chains of the fixed hull, at a range of prices each."""
        if not seen.answers_move_estimates:
            return []
        found: list[Policy] = []
        for chain in chains(seen.mean_quality, seen.mean_cost):
            members = list(chain)
            model, cut = fit_chain(seen.post_hoc[:, members], seen.mean_cost[members]), None
            for lam in chain_lambdas(chain, seen.mean_quality, seen.mean_cost, POINTS):
                cut = model.tuned(lam, cut)
                found.append(cls(chain, model.thresholds(cut)))
        return list(dict.fromkeys(found))
