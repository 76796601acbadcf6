"""What is seen of an answer that came back: its own signs, and its words.

The same functions read a table's answers and a live one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log1p

import numpy as np

from penstock.answers.arithmetic import SUM_SIGNS, sum_signs
from penstock.answers.extract import stated_answer
from penstock.answers.final_answer_features import STATED_SIGNS, stated_signs
from penstock.answers.hashed_text import Wording
from penstock.answers.text_features import TEXT_SIGNS, text_signs
from penstock.types import Answer, BoolArray, FloatArray, Status

WORDING = "wording"
SIGNALS = (
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
    *TEXT_SIGNS,
    *SUM_SIGNS,
    *STATED_SIGNS,
    WORDING,
)
"""Later versions append; a bundle holds the names it was fitted on, and they must be the first of these.
``has_final_answer``: the text states one (``stated_answer``). What a scorer extracted does not count: a live
answer has met no scorer. ``wording``: what a ``Reader`` makes of the text, where one was fitted."""


def signals(answer: Answer) -> FloatArray:
    """(s,) the signs of one answer, the s ``SIGNALS`` in order; 0 where unknown, and for ``wording``."""
    found = np.zeros(len(SIGNALS))
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
        [text_signs(answer.text), sum_signs(answer.text), stated_signs(answer.text, stated)]
    )
    return found


@dataclass(frozen=True)
class Observations:
    """Signals of every cell of a grid: ``found`` (n, k, s), whether the cell was ``answered`` (n, k), and the
    ``wording`` of its text (n * k cells by row; None: not kept)."""

    found: FloatArray
    answered: BoolArray
    wording: Wording | None = None

    @property
    def confidence(self) -> FloatArray:
        """(n, k) how sure answers say they are; NaN of candidates that never say it."""
        said = self.found[:, :, SIGNALS.index("confidence")]
        return np.where((said > 0).any(axis=0), said, np.nan)

    @property
    def informative(self) -> bool:
        """Whether any signal differs between answers at all."""
        cells = self.found[self.answered]
        return bool(len(cells) and (cells.std(axis=0) > 1e-9).any())

    def reading(self, score: FloatArray) -> Observations:
        """The same with what a reader makes of every text (n, k) among the signals."""
        found = self.found.copy()
        found[:, :, SIGNALS.index(WORDING)] = np.where(self.answered, score, 0.0)
        return replace(self, found=found)


def joined(parts: Sequence[Observations]) -> Observations:
    """Observations of one grid after another."""
    wordings = [p.wording for p in parts if p.wording is not None]
    return Observations(
        np.concatenate([p.found for p in parts]),
        np.concatenate([p.answered for p in parts]),
        Wording.joined(wordings) if len(wordings) == len(parts) else None,
    )


def observe(answer_of: Callable[[int, int], Answer], n: int, k: int) -> Observations:
    """The signals and the words of n x k cells."""
    found = np.zeros((n, k, len(SIGNALS)))
    answered = np.zeros((n, k), dtype=bool)
    texts: list[str] = []
    for i in range(n):
        for j in range(k):
            answer = answer_of(i, j)
            answered[i, j] = answer.status is Status.ANSWERED
            if answered[i, j]:
                found[i, j] = signals(answer)
            texts.append(answer.text if answered[i, j] else "")
    return Observations(found, answered, Wording.of(texts))
