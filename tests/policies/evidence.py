"""What settings worth trying are chosen from, where answers move their own estimates alone."""

from __future__ import annotations

from penstock.belief import OwnAnswerBelief
from penstock.policies.base import TuningEvidence
from penstock.types import FloatArray


def evidence_of(belief: OwnAnswerBelief, quality: FloatArray, cost: FloatArray) -> TuningEvidence:
    """Of a belief about recorded answers, and candidates' mean ``quality`` and ``cost`` (k,)."""
    return TuningEvidence(
        ex_ante=belief.ex_ante,
        post_hoc=belief.post_hoc,
        cost=belief.cost,
        mean_quality=quality,
        mean_cost=cost,
        shift_sd=belief.shift_sd,
        refused=belief.refused,
        confidence=belief.confidence,
    )
