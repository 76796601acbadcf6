"""A verifier given by the caller: what checks generated tasks, or runs tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from penstock.outcomes.scorers.base import UNPARSABLE, Score


@dataclass(frozen=True, slots=True)
class VerifierScorer:
    """``extract(text)`` finds the final answer (or None), ``is_correct(text, reference)`` judges the whole
    text."""

    extract: Callable[[str], str | None]
    is_correct: Callable[[str, str], bool]

    def __call__(self, answer_text: str, reference: str) -> Score:
        found = self.extract(answer_text)
        if found is None:
            return UNPARSABLE
        return Score(float(self.is_correct(answer_text, reference)), found)
