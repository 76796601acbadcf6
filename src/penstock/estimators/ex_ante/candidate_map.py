"""What one candidate's prediction says of another's quality: a k x k regression of outcomes on predictions.

Predictions are right on average and wrong in between: pooled shrinkage leaves the difference between two
good candidates too small where weak ones vary more, or too large. Regressing every candidate's outcome on
all candidates' out-of-fold predictions corrects that ("curds and whey": Breiman & Friedman 1997). It is
pulled towards changing nothing, as strongly as held-out error asks for, and changes nothing where that error
is not clearly the smaller for it.
"""

from __future__ import annotations

import numpy as np

from penstock.types import FloatArray, IntArray

STRENGTHS = (np.inf, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
"""Of the pull towards the identity, as shares of the predictions' mean square; the first is no map."""

CLEAR = 1.5
"""Standard errors by which a map has to be better than none."""


def candidate_map(
    predicted: FloatArray, residual: FloatArray, weight: FloatArray, fold: IntArray
) -> FloatArray:
    """(k, k) by which centred predictions are to be multiplied from the right.

    ``predicted`` (n, k): out-of-fold, candidates' means subtracted; ``residual`` (n, k): qualities likewise,
    0 where ``weight`` (n, k) is; ``fold`` (n,): rows that are held out together.
    """
    error = np.zeros((len(STRENGTHS), len(predicted)))
    for f in np.unique(fold).tolist():
        fit, held = fold != f, fold == f
        for i, found in enumerate(_maps(predicted[fit], residual[fit], weight[fit])):
            error[i, held] = (weight[held] * (predicted[held] @ found - residual[held]) ** 2).sum(axis=1)
    best = int(error.sum(axis=1).argmin())
    gain = error[0] - error[best]
    clear = gain.sum() > CLEAR * np.sqrt(len(gain)) * gain.std()
    return _maps(predicted, residual, weight)[best if clear else 0]


def _maps(predicted: FloatArray, residual: FloatArray, weight: FloatArray) -> list[FloatArray]:
    """One map for each strength."""
    k = predicted.shape[1]
    identity = np.eye(k)
    found = [identity.copy() for _ in STRENGTHS]
    for j in range(k):
        weighted = weight[:, [j]] * predicted
        gram, moment = weighted.T @ predicted, weighted.T @ residual[:, j]
        signal = float(np.trace(gram)) / k
        if signal <= 0:
            continue
        for i, strength in enumerate(STRENGTHS):
            if np.isfinite(strength):
                pull = strength * signal
                found[i][:, j] = np.linalg.solve(gram + pull * identity, moment + pull * identity[j])
    return found
