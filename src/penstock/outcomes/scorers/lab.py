"""The verifier of the generated tasks: a response has to end in exactly the right answer."""

from __future__ import annotations

from penstock.answers.marked import extract_answer, is_correct
from penstock.outcomes.scorers.base import Score
from penstock.outcomes.scorers.verified import VerifierScorer
from penstock.registry import register

_verify = VerifierScorer(extract_answer, is_correct)


@register("scorer", "lab")
def lab(answer_text: str, reference: str) -> Score:
    """1 where the answer ends in exactly the reference, after "answer : "."""
    return _verify(answer_text, reference)
