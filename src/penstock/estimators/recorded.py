"""Recorded answers of n queries and k candidates: read once, for whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from penstock.answers.features import AnswerFeatures, features_of
from penstock.codec import take
from penstock.types import Answer, BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from penstock.estimators.comparison.comparison import Comparison
    from penstock.outcomes.matrix import OutcomeMatrix
    from penstock.types import AnswerOf


@dataclass(frozen=True, eq=False)
class RecordedAnswers:
    """``answer_of(i, j)`` of ``shape`` (n, k) cells; their features, and which are the same, once asked
    for."""

    answer_of: AnswerOf = field(repr=False)
    shape: tuple[int, int]
    _codes: list[tuple[Comparison, IntArray]] = field(default_factory=list, init=False, repr=False)

    @classmethod
    def of(cls, matrix: OutcomeMatrix) -> RecordedAnswers:
        """The answers a matrix shows."""
        return cls(matrix.answer_of, (len(matrix), len(matrix.candidates)))

    @classmethod
    def live(cls, answers: Sequence[Answer]) -> RecordedAnswers:
        """One query's answers by all candidates."""
        return cls(lambda _, j: answers[j], (1, len(answers)))

    def __len__(self) -> int:
        return self.shape[0]

    def __take__(self, index: IntArray | BoolArray) -> RecordedAnswers:
        picked = np.arange(len(self))[index]
        source, rows = self.answer_of, picked.tolist()
        taken = RecordedAnswers(lambda i, j: source(rows[i], j), (len(rows), self.shape[1]))
        if "features" in self.__dict__:
            taken.__dict__["features"] = take(self.features, picked)
        taken._codes.extend((comparison, code[picked]) for comparison, code in self._codes)
        return taken

    @cached_property
    def features(self) -> AnswerFeatures:
        """What is seen of every answer."""
        return features_of(self.answer_of, *self.shape)

    @property
    def answered(self) -> BoolArray:
        """(n, k): there is an answer, neither a refusal nor a failure."""
        return self.features.answered

    @property
    def confidence(self) -> FloatArray:
        """(n, k) how sure answers say they are; NaN of candidates that never say it."""
        return self.features.confidence

    def codes(self, comparison: Comparison) -> IntArray:
        """(n, k) answers numbered within their query, equal numbers for those that are the same."""
        for known, code in self._codes:
            if known == comparison:
                return code
        code = comparison.codes(self)
        self._codes.append((comparison, code))
        return code
