"""What is seen of an answer that came back: its own features, and its words.

The same functions read a table's answers and a live one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log1p

import numpy as np

from penstock.answers.arithmetic import ARITHMETIC_FEATURES, arithmetic_features
from penstock.answers.extract import stated_answer
from penstock.answers.final_answer_features import FINAL_ANSWER_FEATURES, final_answer_features
from penstock.answers.hashed_text import HashedText
from penstock.answers.text_features import TEXT_FEATURES, text_features
from penstock.codec import take
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Status

VERIFICATION = "wording"
"""Under the name it has had since bundles hold it."""
ANSWER_FEATURES = (
    "has_logprobs",
    "mean_logprob",
    "min_logprob",
    "q10_logprob",
    "sum_logprob",
    "log_tokens",
    "log_chars",
    "log_lines",
    "has_final_answer",
    "cut_off",
    "confidence",
    "has_confidence",
    *TEXT_FEATURES,
    *ARITHMETIC_FEATURES,
    *FINAL_ANSWER_FEATURES,
    VERIFICATION,
)
"""Later versions append; a bundle holds the names it was fitted on, and they must be the first of these.
``has_final_answer``: the text states one (``stated_answer``). What a scorer extracted does not count: a live
answer has met no scorer. ``wording``: what a ``TextVerifier`` makes of the text, where one was fitted."""


def answer_features(answer: Answer) -> FloatArray:
    """(s,) the features of one answer, the s ``ANSWER_FEATURES`` in order; 0 where unknown, and for
    ``wording``."""
    found = np.zeros(len(ANSWER_FEATURES))
    if answer.logprobs:
        logprobs = np.asarray(answer.logprobs)
        found[:5] = (
            1.0,
            logprobs.mean(),
            logprobs.min(),
            np.quantile(logprobs, 0.1),
            logprobs.sum() / 100.0,
        )
    found[5] = log1p(answer.usage.output_tokens)
    found[6] = log1p(len(answer.text))
    found[7] = log1p(answer.text.count("\n"))
    stated = stated_answer(answer)
    found[8] = float(stated is not None)
    found[9] = float(answer.finish_reason == "length")
    found[10] = answer.confidence or 0.0
    found[11] = float(answer.confidence is not None)
    found[12:-1] = np.concatenate(
        [
            text_features(answer.text),
            arithmetic_features(answer.text),
            final_answer_features(answer.text, stated),
        ]
    )
    return found


@dataclass(frozen=True)
class AnswerFeatures:
    """Features of every cell of a grid: ``found`` (n, k, s), whether the cell was ``answered`` (n, k), and
    the ``text`` itself (n * k cells by row; None: not kept)."""

    found: FloatArray
    answered: BoolArray
    text: HashedText | None = None

    def __take__(self, index: IntArray | BoolArray) -> AnswerFeatures:
        n, k = self.answered.shape
        cells = np.arange(n * k).reshape(n, k)[index].ravel()
        text = None if self.text is None else take(self.text, cells)
        return AnswerFeatures(self.found[index], self.answered[index], text)

    @property
    def confidence(self) -> FloatArray:
        """(n, k) how sure answers say they are; NaN where one does not say it."""
        said = self.found[:, :, ANSWER_FEATURES.index("confidence")]
        return np.where(self.found[:, :, ANSWER_FEATURES.index("has_confidence")] > 0, said, np.nan)

    @property
    def informative(self) -> bool:
        """Whether any feature differs between answers at all."""
        cells = self.found[self.answered]
        return bool(len(cells) and (cells.std(axis=0) > 1e-9).any())

    def with_verification(self, score: FloatArray) -> AnswerFeatures:
        """The same with what a verifier makes of every text (n, k) among the features."""
        found = self.found.copy()
        found[:, :, ANSWER_FEATURES.index(VERIFICATION)] = np.where(self.answered, score, 0.0)
        return replace(self, found=found)


def joined(parts: Sequence[AnswerFeatures]) -> AnswerFeatures:
    """AnswerFeatures of one grid after another."""
    texts = [p.text for p in parts if p.text is not None]
    return AnswerFeatures(
        np.concatenate([p.found for p in parts]),
        np.concatenate([p.answered for p in parts]),
        HashedText.joined(texts) if len(texts) == len(parts) else None,
    )


def features_of(answer_of: Callable[[int, int], Answer], n: int, k: int) -> AnswerFeatures:
    """The features and the words of n x k cells."""
    found = np.zeros((n, k, len(ANSWER_FEATURES)))
    answered = np.zeros((n, k), dtype=bool)
    texts: list[str] = []
    for i in range(n):
        for j in range(k):
            answer = answer_of(i, j)
            answered[i, j] = answer.status is Status.ANSWERED
            if answered[i, j]:
                found[i, j] = answer_features(answer)
            texts.append(answer.text if answered[i, j] else "")
    return AnswerFeatures(found, answered, HashedText.of(texts))
