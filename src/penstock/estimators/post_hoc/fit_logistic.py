"""Fitting what an answer's own features add, and its words where they tell more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from penstock.answers.features import AnswerFeatures, joined
from penstock.belief import OwnAnswerBelief
from penstock.codec import take
from penstock.core.means import log_loss
from penstock.core.resample import standard_errors
from penstock.estimators.post_hoc.base import (
    CrossfitPostHoc,
    PostHocData,
    PostHocEstimator,
    whole,
)
from penstock.estimators.post_hoc.logistic import (
    PostHocLogistic,
    crossfit_logistic,
    fit_logistic,
    information_share,
)
from penstock.estimators.post_hoc.text_verifier import TextVerifier, fit_text_verifier
from penstock.registry import register
from penstock.types import FloatArray, IntArray

LEAST_GAIN = 1.0
"""In standard errors: how much the words of answers have to tell beside all other features to be read."""


@register("post_hoc", "logistic")
@dataclass(frozen=True)
class LogisticEstimator(PostHocEstimator):
    """A logistic regression on each answer's own features. Answers' words are read where that lowers the
    out-of-fold log loss by more than a standard error."""

    def fit(self, data: PostHocData, *, seed: int) -> PostHocLogistic | None:
        return crossfit_post_hoc(data, seed)[1]

    def crossfit(
        self, data: PostHocData, earlier: Mapping[str, CrossfitPostHoc], *, seed: int, threads: int
    ) -> CrossfitPostHoc:
        """``fitted`` None where answers show nothing: their refusals are worth 0 all the same."""
        estimates, model = crossfit_post_hoc(data, seed)
        before, beliefs = data.before, []
        for answers, after in zip(data.answers, estimates, strict=True):
            informative = data.answers[0].features.informative
            belief = OwnAnswerBelief(
                before.quality,
                after,
                before.cost,
                before.draw,
                None if model is None else model.shift_sd(before.quality),
                ~answers.answered,
                answers.confidence if informative else None,
            )
            beliefs.append(whole(take(belief, data.tuning), int(data.tuning.sum())))
        return CrossfitPostHoc(model, tuple(beliefs), estimates)


def crossfit_post_hoc(data: PostHocData, seed: int) -> tuple[tuple[FloatArray, ...], PostHocLogistic | None]:
    """Out-of-fold estimates (n, k) after the answers of every draw of the samples, and the model of all rows;
    None, and the estimates of before, where answers show nothing."""
    if not data.answers[0].features.informative:
        return (data.before.quality,) * len(data.answers), None
    stacked = _Stacked.of(data)
    estimates, verifier = stacked.estimates(seed), None
    read = stacked.read(seed)
    if read is not None:
        verified = replace(stacked, seen=stacked.seen.with_verification(read[1]))
        after = verified.estimates(seed)
        if stacked.better(after, estimates):
            stacked, estimates, verifier = verified, after, read[0]
    model = fit_logistic(stacked.ex_ante, stacked.seen, stacked.quality, stacked.weight, seed=seed)
    share = information_share(stacked.ex_ante, estimates, stacked.weight)
    fitted = replace(model, information_share=share, verifier=verifier)
    return tuple(np.split(estimates, len(data.answers))), fitted


@dataclass(frozen=True)
class _Stacked:
    """Every draw of the samples of n fitting rows, one after another: m = n x draws rows."""

    data: PostHocData
    ex_ante: FloatArray
    seen: AnswerFeatures
    quality: FloatArray
    weight: FloatArray
    fold: IntArray

    @classmethod
    def of(cls, data: PostHocData) -> _Stacked:
        times = len(data.answers)
        return cls(
            data,
            np.tile(data.before.quality, (times, 1)),
            joined([a.features for a in data.answers]),
            np.nan_to_num(np.concatenate(data.quality)),
            np.tile(data.weight, (times, 1)),
            np.tile(data.fold, times),
        )

    def estimates(self, seed: int) -> FloatArray:
        """(m, k) out of fold."""
        return crossfit_logistic(self.ex_ante, self.seen, self.quality, self.weight, self.fold, seed=seed)

    def read(self, seed: int) -> tuple[TextVerifier, FloatArray] | None:
        """A verifier of the answers' words and its out-of-fold scores (m, k)."""
        if self.seen.text is None:
            return None
        weight = self.weight * self.seen.answered
        return fit_text_verifier(self.ex_ante, self.seen.text, self.quality, weight, self.fold, seed=seed)

    def better(self, one: FloatArray, other: FloatArray) -> bool:
        """Whether estimates (m, k) have less log loss than others on tuning rows, by ``LEAST_GAIN``."""
        gained = (self._loss(other) - self._loss(one)).reshape(len(self.data.answers), -1).mean(axis=0)
        tuned = gained[self.data.tuning]
        error = standard_errors(tuned[:, None], self.data.cluster)[0]
        return bool(tuned.mean() > LEAST_GAIN * error)

    def _loss(self, estimates: FloatArray) -> FloatArray:
        """(m,) by row, over its answers."""
        loss = log_loss(estimates, self.quality)
        summed: FloatArray = (self.weight * self.seen.answered * loss).sum(axis=1)
        return summed
