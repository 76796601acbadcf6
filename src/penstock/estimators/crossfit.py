"""Predictions for every fitting row by estimators that have not seen it."""

from __future__ import annotations

import numpy as np

from penstock.core.threads import parallel_map
from penstock.estimators.base import Estimator
from penstock.estimators.features import Inputs
from penstock.types import FloatArray, IntArray


def crossfit(
    estimator: Estimator,
    inputs: Inputs,
    quality: FloatArray,
    weight: FloatArray,
    fold: IntArray,
    *,
    seed: int,
    threads: int = 1,
) -> FloatArray:
    """(n, k) out-of-fold predictions; ``fold`` (n,) numbers the fold each row is held out in.

    Folds are fitted in ``threads`` threads, which changes nothing but the time.
    """

    def held_out(f: int) -> tuple[IntArray, FloatArray]:
        fit, held = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
        fitted = estimator.fit(inputs.rows(fit), quality[fit], weight[fit], seed=seed)
        return held, fitted.predict(inputs.rows(held))

    predicted = np.full(quality.shape, np.nan)
    for held, said in parallel_map(held_out, np.unique(fold).tolist(), threads=threads):
        predicted[held] = said
    return predicted


def cell_weights(quality: FloatArray, propensity: FloatArray) -> FloatArray:
    """(n, k) one over the propensity of observed cells, 0 for missing ones; mean 1 over a candidate's cells.

    Weights are cut at 20 times the candidate's median: one rarely explored cell must not decide a fit.
    """
    observed = ~np.isnan(quality)
    weight = np.where(observed, 1.0 / np.where(observed, propensity, 1.0), 0.0)
    for column in weight.T:
        cells = column > 0
        if cells.any():
            column[cells] = np.minimum(column[cells], 20.0 * np.median(column[cells]))
            column[cells] /= column[cells].mean()
    return weight
