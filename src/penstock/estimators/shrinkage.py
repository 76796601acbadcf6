"""Shrinking estimates towards the candidates' means by how well they did on rows they were not fitted on.

What decides a route is how candidates differ on a query, and differences are estimated worse than how hard
the query is for everyone. So there are two slopes, both regressed on cross-fitted predictions, pooled over
candidates (empirical Bayes): one for the part all candidates share, one for the contrasts between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.types import FloatArray


@dataclass(frozen=True)
class Shrinkage:
    """``means`` (k,): what is shrunk towards; ``common`` and ``contrast`` in [0, 1]: the share that is
    kept."""

    means: FloatArray
    common: float
    contrast: float

    def apply(self, raw: FloatArray) -> FloatArray:
        """(n, k) raw predictions -> shrunk ones."""
        shared, contrast = parts(raw, self.means)
        shrunk: FloatArray = self.means + self.common * shared + self.contrast * contrast
        return shrunk


def fit_shrinkage(raw: FloatArray, target: FloatArray, weight: FloatArray, means: FloatArray) -> Shrinkage:
    """Least-squares slopes of ``target`` (n, k; NaN where missing) on cross-fitted ``raw`` (n, k).

    A slope below 0 or above 1 is cut there: estimates are never amplified.
    """
    shared, contrast = parts(raw, means)
    residual = np.where(weight > 0, np.nan_to_num(target) - means, 0.0)
    columns = [np.broadcast_to(shared, raw.shape), contrast]
    gram = np.array([[(weight * a * b).sum() for b in columns] for a in columns])
    moment = np.array([(weight * a * residual).sum() for a in columns])
    slopes = np.zeros(2)
    used = np.diag(gram) > 1e-12 * max(float(weight.sum()), 1.0)
    if used.any():
        index = np.flatnonzero(used)
        slopes[index] = np.linalg.lstsq(gram[np.ix_(index, index)], moment[index], rcond=None)[0]
    common, contrast_slope = np.clip(slopes, 0.0, 1.0)
    return Shrinkage(means, float(common), float(contrast_slope))


def parts(raw: FloatArray, means: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What all candidates share on a query (n, 1), and each one's deviation from it (n, k)."""
    centred = raw - means
    shared = centred.mean(axis=1, keepdims=True)
    return shared, centred - shared
