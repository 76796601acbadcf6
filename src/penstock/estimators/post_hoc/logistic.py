"""Post-hoc quality from an answer's own signs: its token log-probabilities, its length, how it ended.

It refines the ex-ante estimate, which is one of its features (design.md, decision 6). A refused or failed
answer is worth 0 whatever else is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.answers.features import SIGNALS, WORDING, Observations, signals
from penstock.answers.final_answer_features import STATED_SIGNS
from penstock.answers.text_features import TEXT_SIGNS
from penstock.errors import BundleError
from penstock.estimators.base import Arrays, Settings
from penstock.estimators.ex_ante.linear import Logistic, logit, sigmoid
from penstock.estimators.features import Inputs
from penstock.estimators.post_hoc.text_verifier import Reader
from penstock.types import Answer, FloatArray, IntArray, Status

_PENALTY = 3.0
_PRIOR_SCALE = 3.0
_FAINT = 0.5
_WEIGHT = np.array([_FAINT if name in (*TEXT_SIGNS, *STATED_SIGNS) else 1.0 for name in SIGNALS])
"""Signs of the text are many and each tells little: halved, they are penalised four times as much."""


@dataclass(frozen=True)
class OwnAnswer:
    """Fitted: logistic in the ex-ante logit and the standardised signals, one row per candidate.

    ``intercept`` (k,), ``coefficients`` (1 + s, k), ``mean`` and ``scale`` (k, s); a later signal than those
    it was fitted on is not looked at. ``look`` (k,) says how
    much an answer tells: the standard deviation of its estimate around the ex-ante one, in units of that
    of a right-or-wrong outcome, from rows the estimator has not seen. ``reader``: what makes the signal
    ``wording`` of an answer's text; None: it stays 0.
    """

    intercept: FloatArray
    coefficients: FloatArray
    mean: FloatArray
    scale: FloatArray
    look: FloatArray
    reader: Reader | None = None

    def spread(self, ex_ante: FloatArray) -> FloatArray:
        """(n, k) how far estimates will move once the candidates have answered: most where they are least
        sure."""
        p = np.clip(ex_ante, 0.0, 1.0)
        spread: FloatArray = self.look * np.sqrt(p * (1.0 - p))
        return spread

    def estimate(self, ex_ante: FloatArray, found: FloatArray, column: int) -> FloatArray:
        """(m,) expected quality of answers of one candidate: ``ex_ante`` (m,), ``found`` (m, s)."""
        design = _design(ex_ante, found[:, : self.mean.shape[1]], self.mean[column], self.scale[column])
        return sigmoid(design @ self.coefficients[:, column] + self.intercept[column])

    def estimate_answer(self, ex_ante: float, answer: Answer, column: int) -> float:
        """Expected quality of one live answer."""
        if answer.status is not Status.ANSWERED:
            return 0.0
        found = signals(answer)
        if self.reader is not None:
            found[SIGNALS.index(WORDING)] = self.reader.score_text(answer.text, column)
        return float(self.estimate(np.array([ex_ante]), found[None, :], column)[0])

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        arrays = {
            "intercept": self.intercept,
            "coefficients": self.coefficients,
            "mean": self.mean,
            "scale": self.scale,
            "look": self.look,
        }
        if self.reader is not None:
            arrays |= {f"reader_{name}": values for name, values in self.reader.arrays().items()}
        return {"signals": list(SIGNALS[: self.mean.shape[1]])}, arrays

    @classmethod
    def from_state(cls, settings: Settings, arrays: Arrays) -> OwnAnswer:
        """BundleError where it was fitted on signals that this version does not compute."""
        fitted_on = [str(name) for name in settings["signals"]]
        if fitted_on != list(SIGNALS[: arrays["mean"].shape[1]]):
            raise BundleError(
                f"its post-hoc estimator reads {', '.join(fitted_on)}, which this version cannot",
                hint="Fit again, or serve it with the version that fitted it",
            )
        words = {name: arrays[f"reader_{name}"] for name in ("words", "level") if f"reader_{name}" in arrays}
        return cls(
            intercept=arrays["intercept"],
            coefficients=arrays["coefficients"],
            mean=arrays["mean"],
            scale=arrays["scale"],
            look=arrays["look"],
            reader=Reader(**words) if words else None,
        )


def fit_own_answer(
    ex_ante: FloatArray, seen: Observations, quality: FloatArray, weight: FloatArray, *, seed: int
) -> OwnAnswer:
    """Fit on n rows with cross-fitted ``ex_ante`` (n, k)."""
    k = quality.shape[1]
    usable = seen.answered & (weight > 0)
    mean, scale = np.zeros((k, len(SIGNALS))), np.ones((k, len(SIGNALS)))
    intercept, coefficients = np.zeros(k), np.zeros((1 + len(SIGNALS), k))
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
        arrays = fitted.state()[1]
        intercept[j], coefficients[:, j] = arrays["intercept"][0], arrays["coefficients"][:, 0]
    return OwnAnswer(intercept, coefficients, mean, scale, np.zeros(k))


def predict_all(model: OwnAnswer, ex_ante: FloatArray, seen: Observations) -> FloatArray:
    """(n, k) post-hoc estimates of every cell; 0 where the candidate did not answer."""
    if model.reader is not None and seen.wording is not None:
        seen = seen.reading(model.reader.score(seen.wording))
    columns = range(ex_ante.shape[1])
    stacked = np.stack([model.estimate(ex_ante[:, j], seen.found[:, j], j) for j in columns], axis=1)
    return np.where(seen.answered, stacked, 0.0)


def crossfit_own_answer(
    ex_ante: FloatArray,
    seen: Observations,
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
        model = fit_own_answer(
            ex_ante[fit],
            Observations(seen.found[fit], seen.answered[fit]),
            quality[fit],
            weight[fit],
            seed=seed,
        )
        part = Observations(seen.found[held], seen.answered[held])
        estimates[held] = predict_all(model, ex_ante[held], part)
    return estimates


def look(ex_ante: FloatArray, post_hoc: FloatArray, weight: FloatArray) -> FloatArray:
    """(k,) what ``OwnAnswer.look`` is, from out-of-fold estimates (n, k); rows of weight 0 do not count."""
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
