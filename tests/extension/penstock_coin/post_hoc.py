"""An estimate after the call: how often answers of likely tokens are right, and how often others are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.estimators.post_hoc.base import OwnAnswerPostHoc, PostHocData, PostHocEstimator
from penstock.registry import register
from penstock.types import Answer, FloatArray, IntArray


@register("post_hoc", "coin")
@dataclass(frozen=True)
class CoinPostHoc(PostHocEstimator):
    """An answer shows heads where its tokens are more than ``likely``; how often either side is right is
    counted."""

    likely: float = 0.5

    def fit(self, data: PostHocData, *, seed: int) -> FittedCoinPostHoc:
        right, seen = np.full((2, data.weight.shape[1]), 0.5), np.ones((2, data.weight.shape[1]))
        for answers, quality in zip(data.answers, data.quality, strict=True):
            for i, j in np.argwhere(answers.answered & (data.weight > 0)).tolist():
                side = side_of(answers.answer_of(i, j), self.likely)
                right[side, j] += quality[i, j]
                seen[side, j] += 1
        return FittedCoinPostHoc(self.likely, right / seen)


@register("fitted_post_hoc", "coin")
@dataclass(frozen=True)
class FittedCoinPostHoc(OwnAnswerPostHoc):
    """``share`` (2, k) of answers that were right among those that showed tails and heads."""

    likely: float
    share: FloatArray

    def estimate(self, ex_ante: FloatArray, answers: Sequence[Answer], columns: IntArray) -> FloatArray:
        sides = np.array([side_of(answer, self.likely) for answer in answers], dtype=np.int64)
        return self.share[sides, columns]


def side_of(answer: Answer, likely: float) -> int:
    """1 for heads, 0 for tails."""
    return int(np.exp(np.mean(answer.logprobs)) > likely) if answer.logprobs else 0
