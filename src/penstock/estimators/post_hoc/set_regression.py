"""The regression of one candidate's quality after one set of candidates has run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.executed_sets import members
from penstock.estimators.ex_ante.linear import Logistic, sigmoid
from penstock.estimators.features import Inputs
from penstock.estimators.post_hoc.set_features import SetFeatures, SetRows
from penstock.types import FloatArray, IntArray

LEAST_ROWS = 10
"""With fewer rows nothing is learnt: the estimate stays what it was without answers."""


@dataclass(frozen=True)
class Regression:
    """Logistic in the features known before and the standardised ones of the answers that vary.

    ``kept`` (b',): columns of the answers' features, ``mean`` and ``scale`` (b',) theirs; ``coefficients``
    (a + b',). ``untouched``: answers say nothing of this candidate and its ex-ante estimate stands.
    """

    features: SetFeatures
    column: int
    executed: int
    kept: IntArray
    mean: FloatArray
    scale: FloatArray
    intercept: float
    coefficients: FloatArray
    untouched: bool = False

    def predict(self, rows: SetRows) -> FloatArray:
        """(n,) expected quality."""
        if self.untouched:
            return rows.ex_ante[:, self.column].copy()
        after = self.features.after(rows, self.column, self.executed)[:, self.kept]
        standard = np.clip((after - self.mean) / self.scale, -4.0, 4.0)
        design = np.concatenate([self.features.before(rows, self.column), standard], axis=1)
        return sigmoid(design @ self.coefficients + self.intercept)


def fit_regression(
    features: SetFeatures,
    rows: SetRows,
    quality: FloatArray,
    weight: FloatArray,
    *,
    column: int,
    executed: int,
    penalties: tuple[float, ...],
    seed: int,
) -> Regression:
    """Fit on the rows where the whole set was asked and the candidate's ``quality`` (n,) is known.

    An executed candidate's rows are those where it answered: a refusal is worth 0 without any regression.
    """
    ran = members(executed, rows.ex_ante.shape[1])
    usable = (weight > 0) & rows.answers.asked[:, ran].all(axis=1)
    if column in ran:
        usable &= rows.answers.answered[:, column]
    if int(usable.sum()) < LEAST_ROWS:
        return _without_answers(features, quality, weight, column, executed)
    chosen = rows.rows(usable)
    before, after = features.before(chosen, column), features.after(chosen, column, executed)
    deviation = after.std(axis=0)
    kept = np.flatnonzero(deviation > 1e-9)
    if features.refine and not kept.size:
        return _without_answers(features, quality, weight, column, executed)
    mean, scale = after[:, kept].mean(axis=0), deviation[kept]
    standard = np.clip((after[:, kept] - mean) / scale, -4.0, 4.0)
    design = np.concatenate([before, standard], axis=1)
    inputs = Inputs(design, np.zeros(len(design)), np.zeros(len(design), dtype=np.str_))
    fitted = Logistic(penalties).fit(inputs, quality[usable][:, None], weight[usable][:, None], seed=seed)
    return Regression(
        features,
        column,
        executed,
        kept,
        mean,
        scale,
        float(fitted.intercept[0]),
        fitted.coefficients[:, 0],
    )


def _without_answers(
    features: SetFeatures, quality: FloatArray, weight: FloatArray, column: int, executed: int
) -> Regression:
    """The ex-ante estimate where it is a feature, else the candidate's mean."""
    total = float(weight.sum())
    mean = float((weight * np.nan_to_num(quality)).sum()) / total if total > 0 else 0.5
    p = np.clip(mean, 1e-3, 1 - 1e-3)
    none = np.zeros(0)
    width = len(features.tasks) + features.refine
    return Regression(
        features,
        column,
        executed,
        np.zeros(0, dtype=np.int64),
        none,
        none,
        float(np.log(p / (1 - p))),
        np.zeros(width),
        untouched=features.refine,
    )
