"""A comparison: answers are the same where they end with the same word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.answers.equivalence import normal_form, numbered
from penstock.estimators.comparison.comparison import Comparison
from penstock.estimators.embeddings import Embedder
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.registry import register
from penstock.types import Answer


@register("comparison", "coin")
@dataclass(frozen=True)
class SameSide(Comparison):
    """By the last word, whatever its case."""

    @classmethod
    def choose(cls, matrix: OutcomeMatrix, embedder: Embedder | None) -> SameSide:
        return cls()

    def group(self, answers: Sequence[Answer]) -> list[int]:
        return numbered([normal_form(answer, last_word) for answer in answers])


def last_word(answer: Answer) -> str | None:
    """None of an answer without words."""
    words = answer.text.lower().rstrip(" .!").split()
    return words[-1] if words else None
