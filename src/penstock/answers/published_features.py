"""What executed candidates' answers show: who agrees with whom, and each one's own features.

The published features of the open-form experiments (De Koninck et al. 2025), computed once for a grid;
estimators that learn one rule per executed set look at the cells their set has run, and at no others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.answers.canonical import Normaliser, final_answer
from penstock.answers.equivalence import NONE, normal_form, numbered
from penstock.types import Answer, BoolArray, FloatArray, HasAnswers, IntArray, Status

PUBLISHED_FEATURES = (
    "sum_logprob",
    "mean_logprob",
    "min_logprob",
    "median_logprob",
    "q25_logprob",
    "q10_logprob",
    "log_tokens",
    "has_parsed_answer",
)


@dataclass(frozen=True)
class Answers:
    """Of n queries and k candidates: ``codes`` (n, k) as ``Comparison.codes``, ``own`` (n, k, 8) in
    the order of ``PUBLISHED_FEATURES``, ``answered`` (n, k), and ``asked`` (n, k): there is an outcome, be it
    a refusal."""

    codes: IntArray
    own: FloatArray
    answered: BoolArray
    asked: BoolArray

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def none(cls, n: int, k: int) -> Answers:
        """Nothing has been asked."""
        nothing = np.zeros((n, k), dtype=bool)
        return cls(np.full((n, k), NONE), np.zeros((n, k, len(PUBLISHED_FEATURES))), nothing, nothing.copy())

    def rows(self, index: IntArray | BoolArray) -> Answers:
        """The same, for some of the queries."""
        return Answers(self.codes[index], self.own[index], self.answered[index], self.asked[index])


def published_features(answer: Answer, form: str | None) -> FloatArray:
    """(8,) ``PUBLISHED_FEATURES`` of one answer, 0 where there are no tokens; ``form`` is its normal form.

    Where log-probabilities are unknown the number of tokens is the usage's.
    """
    features = np.zeros(len(PUBLISHED_FEATURES))
    tokens = answer.usage.output_tokens
    if answer.logprobs:
        logprobs = np.asarray(answer.logprobs)
        tokens = len(logprobs)
        features[:3] = logprobs.sum() / 100.0, logprobs.mean(), logprobs.min()
        features[3:6] = np.quantile(logprobs, (0.5, 0.25, 0.1))
    features[6] = np.log(tokens) if tokens > 0 else 0.0
    features[7] = float(form is not None)
    return features


def observe_answers(recorded: HasAnswers, normaliser: Normaliser = final_answer) -> Answers:
    """Read every answer once."""
    n, k = recorded.shape
    codes, own = np.full((n, k), NONE), np.zeros((n, k, len(PUBLISHED_FEATURES)))
    answered, asked = np.zeros((n, k), dtype=bool), np.zeros((n, k), dtype=bool)
    for i in range(n):
        row = [recorded.answer_of(i, j) for j in range(k)]
        forms = [normal_form(answer, normaliser) for answer in row]
        codes[i] = numbered(forms)
        for j, (answer, form) in enumerate(zip(row, forms, strict=True)):
            asked[i, j] = answer.status is not Status.MISSING
            answered[i, j] = answer.status is Status.ANSWERED
            if answered[i, j]:
                own[i, j] = published_features(answer, form)
    return Answers(codes, own, answered, asked)
