"""Exact match, up to white space and case."""

from __future__ import annotations

from penstock.outcomes.scorers.base import UNPARSABLE, Score
from penstock.registry import register


@register("scorer", "exact")
def exact_match(answer_text: str, reference: str) -> Score:
    """1 where both texts are the same once runs of white space are one blank and case is folded."""
    found = _plain(answer_text)
    return Score(float(found.casefold() == _plain(reference).casefold()), found) if found else UNPARSABLE


def _plain(text: str) -> str:
    return " ".join(text.split())
