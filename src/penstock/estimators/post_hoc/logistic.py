"""Post-hoc quality from an answer's own features: its token log-probabilities, its length, how it ended.

It refines the ex-ante estimate, which is one of its features (docs/references.md). A refused or failed
answer is worth 0 whatever else is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.answers.features import ANSWER_FEATURES, VERIFICATION, AnswerFeatures, answer_features
from penstock.answers.final_answer_features import FINAL_ANSWER_FEATURES
from penstock.answers.text_features import TEXT_FEATURES
from penstock.core.ngrams import FEATURES_VERSION, check_version
from penstock.errors import InputError
from penstock.estimators.ex_ante.linear import Logistic, logit, sigmoid
from penstock.estimators.features import Inputs
from penstock.estimators.post_hoc.base import Before, OwnAnswerPostHoc
from penstock.estimators.post_hoc.text_verifier import TextVerifier
from penstock.estimators.recorded import RecordedAnswers
from penstock.registry import register
from penstock.types import Answer, FloatArray, IntArray, Status

_PENALTY = 3.0
_PRIOR_SCALE = 3.0
_FAINT = 0.5
_WEIGHT = np.array(
    [_FAINT if name in (*TEXT_FEATURES, *FINAL_ANSWER_FEATURES) else 1.0 for name in ANSWER_FEATURES]
)
"""Features of the text are many and each tells little: halved, they are penalised four times as much."""


@register("fitted_post_hoc", "logistic")
@dataclass(frozen=True)
class PostHocLogistic(OwnAnswerPostHoc):
    """Fitted: logistic in the ex-ante logit and the standardised features, one row per candidate.

    ``intercept`` (k,), ``coefficients`` (1 + s, k), ``mean`` and ``scale`` (k, s); a later feature than those
    it was fitted on is not looked at. ``information_share`` (k,) says how
    much an answer tells: the standard deviation of its estimate around the ex-ante one, in units of that
    of a right-or-wrong outcome, from rows the estimator has not seen. ``verifier``: what makes the feature
    ``wording`` of an answer's text; None: it stays 0.
    """

    intercept: FloatArray
    coefficients: FloatArray
    mean: FloatArray
    scale: FloatArray
    information_share: FloatArray
    verifier: TextVerifier | None = None
    features: tuple[str, ...] = ANSWER_FEATURES
    features_version: int = FEATURES_VERSION

    def __post_init__(self) -> None:
        check_version(self.features_version)
        if self.features != ANSWER_FEATURES[: self.mean.shape[1]]:
            raise InputError(
                f"reads {', '.join(self.features)}, which this version cannot",
                field="features",
                hint="Fit again, or serve it with the version that fitted it",
            )

    def shift_sd(self, ex_ante: FloatArray) -> FloatArray:
        """(n, k) how far estimates will move once the candidates have answered: most where they are least
        sure."""
        p = np.clip(ex_ante, 0.0, 1.0)
        shift_sd: FloatArray = self.information_share * np.sqrt(p * (1.0 - p))
        return shift_sd

    def of_features(self, ex_ante: FloatArray, found: FloatArray, column: int) -> FloatArray:
        """(m,) expected quality of answers of one candidate: ``ex_ante`` (m,), ``found`` (m, s)."""
        design = _design(ex_ante, found[:, : self.mean.shape[1]], self.mean[column], self.scale[column])
        return sigmoid(design @ self.coefficients[:, column] + self.intercept[column])

    def estimate(self, ex_ante: FloatArray, answers: Sequence[Answer], columns: IntArray) -> FloatArray:
        """(m,) of live answers; 0 of a refusal."""
        items = zip(ex_ante.tolist(), answers, columns.tolist(), strict=True)
        return np.array([self._of_answer(p, answer, j) for p, answer, j in items])

    def _of_answer(self, ex_ante: float, answer: Answer, column: int) -> float:
        if answer.status is not Status.ANSWERED:
            return 0.0
        found = answer_features(answer)
        if self.verifier is not None:
            found[ANSWER_FEATURES.index(VERIFICATION)] = self.verifier.score_text(answer.text, column)
        return float(self.of_features(np.array([ex_ante]), found[None, :], column)[0])

    def recorded(self, before: Before, answers: RecordedAnswers) -> FloatArray:
        """(n, k) of every recorded answer; 0 where the candidate did not answer."""
        return predict_all(self, before.quality, answers.features)


def fit_logistic(
    ex_ante: FloatArray, seen: AnswerFeatures, quality: FloatArray, weight: FloatArray, *, seed: int
) -> PostHocLogistic:
    """Fit on n rows with cross-fitted ``ex_ante`` (n, k)."""
    k = quality.shape[1]
    usable = seen.answered & (weight > 0)
    mean, scale = np.zeros((k, len(ANSWER_FEATURES))), np.ones((k, len(ANSWER_FEATURES)))
    intercept, coefficients = np.zeros(k), np.zeros((1 + len(ANSWER_FEATURES), k))
    for j in range(k):
        rows = np.flatnonzero(usable[:, j])
        if not rows.size:  # it never answered: nothing refines its ex-ante estimate
            coefficients[0, j] = 1.0 / _PRIOR_SCALE
            continue
        cells = seen.found[rows, j]
        mean[j], deviation = cells.mean(axis=0), cells.std(axis=0)
        scale[j] = np.where(deviation > 1e-9, deviation, np.inf)
        design = _design(ex_ante[rows, j], seen.found[rows, j], mean[j], scale[j])
        inputs = Inputs(design, design[:, 0], np.zeros(len(rows), dtype=np.str_))
        fitted = Logistic((_PENALTY,)).fit(
            inputs, quality[rows, j : j + 1], weight[rows, j : j + 1], seed=seed
        )
        intercept[j], coefficients[:, j] = fitted.intercept[0], fitted.coefficients[:, 0]
    return PostHocLogistic(intercept, coefficients, mean, scale, np.zeros(k))


def predict_all(model: PostHocLogistic, ex_ante: FloatArray, seen: AnswerFeatures) -> FloatArray:
    """(n, k) post-hoc estimates of every cell; 0 where the candidate did not answer."""
    if model.verifier is not None and seen.text is not None:
        seen = seen.with_verification(model.verifier.score(seen.text))
    columns = range(ex_ante.shape[1])
    stacked = np.stack([model.of_features(ex_ante[:, j], seen.found[:, j], j) for j in columns], axis=1)
    return np.where(seen.answered, stacked, 0.0)


def crossfit_logistic(
    ex_ante: FloatArray,
    seen: AnswerFeatures,
    quality: FloatArray,
    weight: FloatArray,
    fold: IntArray,
    *,
    seed: int,
) -> FloatArray:
    """(n, k) out-of-fold post-hoc estimates."""
    estimates = np.zeros(ex_ante.shape)
    for f in np.unique(fold).tolist():
        fit, held = fold != f, fold == f
        model = fit_logistic(
            ex_ante[fit],
            AnswerFeatures(seen.found[fit], seen.answered[fit]),
            quality[fit],
            weight[fit],
            seed=seed,
        )
        part = AnswerFeatures(seen.found[held], seen.answered[held])
        estimates[held] = predict_all(model, ex_ante[held], part)
    return estimates


def information_share(ex_ante: FloatArray, post_hoc: FloatArray, weight: FloatArray) -> FloatArray:
    """(k,) what ``PostHocLogistic.information_share`` is, from out-of-fold estimates (n, k); rows of weight 0
    do not count."""
    moved = (weight * (post_hoc - ex_ante) ** 2).sum(axis=0)
    uncertain = (weight * ex_ante * (1.0 - ex_ante)).sum(axis=0)
    share: FloatArray = np.divide(moved, uncertain, out=np.zeros_like(moved), where=uncertain > 1e-9)
    return np.sqrt(np.minimum(share, 1.0))


def prior_logit(ex_ante: FloatArray) -> FloatArray:
    """(m,) the ex-ante estimate as a feature: its logit, scaled so that a penalty hardly touches it."""
    return _PRIOR_SCALE * logit(ex_ante)


def _design(ex_ante: FloatArray, found: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    standard = np.clip((found - mean) / scale, -4.0, 4.0) * _WEIGHT[: mean.shape[-1]]
    return np.concatenate([prior_logit(ex_ante)[:, None], standard], axis=1)
