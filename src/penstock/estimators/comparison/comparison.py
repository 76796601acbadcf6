"""How answers to one query are compared: by a normal form of their text, or by an embedder by meaning.

The same object numbers the answers of a table and of a live request. By form, whether two answers are the
same is nobody else's affair. By meaning a group holds only what is close to *all* its members, so that who
has answered can matter where answers lie between two groups: a table is grouped with everybody's answers, a
request with those that have come.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from penstock import registry
from penstock.answers.canonical import Normaliser, final_answer
from penstock.answers.equivalence import normal_form, numbered
from penstock.errors import InputError
from penstock.estimators.comparison.choose_form import READS_THE_TABLE, choose_normaliser, normaliser
from penstock.estimators.comparison.meaning import (
    answer_texts,
    choose_threshold,
    codes_at,
    similarities,
    text_of,
)
from penstock.estimators.embeddings import Embedder
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.registry import Room, register
from penstock.types import Answer, HasAnswers, IntArray

__all__ = ["READS_THE_TABLE", "ByForm", "ByMeaning", "Comparison", "codes"]

_CHOOSE_ON = 500
"""Rows that a threshold is chosen on: every one costs as many embeddings as there are candidates."""


class Comparison(ABC):
    """Which answers to a query are the same. Subclasses are frozen dataclasses, registered in the room
    ``comparison`` under the name that ``--compare`` takes."""

    room: ClassVar[Room] = Room.COMPARISON

    @classmethod
    @abstractmethod
    def choose(cls, matrix: OutcomeMatrix, embedder: Embedder | None) -> Comparison | None:
        """The settings under which agreement says most about who is right, on fitting rows; None where it
        says nothing. Raises ``InputError`` where an embedder is needed and there is none."""

    @abstractmethod
    def group(self, answers: Sequence[Answer]) -> list[int]:
        """The answers to one query that have come so far, numbered: equal numbers for those that are the
        same, ``answers.equivalence.NONE`` for what cannot be compared."""

    def codes(self, recorded: HasAnswers) -> IntArray:
        """(n, k) the same of many queries at once."""
        n, k = recorded.shape
        rows = [self.group([recorded.answer_of(i, j) for j in range(k)]) for i in range(n)]
        return np.array(rows, dtype=np.int64).reshape(n, k)

    @property
    def form(self) -> str:
        """What it goes by, in a word."""
        return registry.entry_of(type(self)).name

    @property
    def blocking(self) -> bool:
        """Whether ``group`` may wait for a network or for a model of the size of one."""
        return False


@register("comparison", "text")
@dataclass(frozen=True)
class ByForm(Comparison):
    """Answers are the same where a normal form of their text is (``choose_form.NORMALISERS``)."""

    normal_form: str

    def __post_init__(self) -> None:
        normaliser(self.normal_form)  # an unknown one is told now

    @classmethod
    def choose(cls, matrix: OutcomeMatrix, embedder: Embedder | None) -> ByForm | None:
        """The normal form under which agreement says most."""
        name = choose_normaliser(matrix).name
        return None if name is None else cls(name)

    @property
    def form(self) -> str:
        """The name of the normal form."""
        return self.normal_form

    def group(self, answers: Sequence[Answer]) -> list[int]:
        read = normaliser(self.normal_form)
        return numbered([normal_form(answer, read) for answer in answers])


@register("comparison", "meaning")
@dataclass(frozen=True)
class ByMeaning(Comparison):
    """Answers are the same where their embeddings are at least ``cosine`` alike."""

    embedder: Embedder
    cosine: float

    @classmethod
    def choose(cls, matrix: OutcomeMatrix, embedder: Embedder | None) -> ByMeaning | None:
        """The cosine under which agreement says most, chosen on at most 500 rows, evenly spread."""
        if embedder is None:
            raise InputError(
                "answers are compared by meaning with an embedding model, and none is named",
                field="--compare",
                hint="Name one with --embeddings",
            )
        if len(matrix) > _CHOOSE_ON:
            matrix = matrix.rows(np.linspace(0, len(matrix) - 1, _CHOOSE_ON).astype(np.int64))
        similarity = similarities(answer_texts(matrix), embedder)
        cosine = choose_threshold(similarity, matrix.drawn_quality).cosine
        return None if cosine is None else cls(embedder, cosine)

    @property
    def blocking(self) -> bool:
        """An embedder is a model or a network."""
        return True

    def codes(self, recorded: HasAnswers) -> IntArray:
        code = codes_at(similarities(answer_texts(recorded), self.embedder), self.cosine)
        return code.reshape(recorded.shape)

    def group(self, answers: Sequence[Answer]) -> list[int]:
        """May wait for the embedder."""
        code = codes_at(similarities([[text_of(a) for a in answers]], self.embedder), self.cosine)
        return [int(c) for c in code[0]]


def codes(recorded: HasAnswers, normaliser: Normaliser = final_answer) -> IntArray:
    """(n, k): answers numbered within their query, equal numbers for the same normal form.

    ``NONE`` where the candidate was not asked, refused, failed or gave nothing comparable: ``same_answer``
    tells such cells from agreement.
    """
    n, k = recorded.shape
    forms = ([normal_form(recorded.answer_of(i, j), normaliser) for j in range(k)] for i in range(n))
    return np.array([numbered(row) for row in forms], dtype=np.int64).reshape(n, k)
