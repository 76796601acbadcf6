"""Simultaneous bounds and bootstrap weights.

Preconditions: finite arrays; at least one row.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from penstock.types import FloatArray, IntArray


def cluster_sums(values: FloatArray, cluster: IntArray) -> FloatArray:
    """Sums of ``values`` (n, p) over the rows of each cluster -> (clusters, p)."""
    _, index = np.unique(cluster, return_inverse=True)
    sums: FloatArray = np.zeros((int(index.max()) + 1, values.shape[1]))
    np.add.at(sums, index, values)
    return sums


def standard_errors(values: FloatArray, cluster: IntArray) -> FloatArray:
    """(p,) of the column means of ``values`` (n, p), rows resampled by ``cluster`` (n,); infinite where there
    is one cluster only."""
    sums = cluster_sums(values - values.mean(axis=0), cluster)
    return np.full(values.shape[1], np.inf) if len(sums) < 2 else _error_of(sums, len(values))


def _error_of(sums: FloatArray, n: int) -> FloatArray:
    """From the sums (clusters, p) of deviations over at least two clusters of n rows altogether."""
    error: FloatArray = np.sqrt((sums**2).sum(axis=0) * len(sums) / (len(sums) - 1)) / n
    return error


def simultaneous_lower_bounds(
    values: FloatArray, cluster: IntArray, *, confidence: float, draws: int = 500, seed: int = 0
) -> FloatArray:
    """(p,) lower bounds that hold for all p column means of ``values`` (n, p) at once.

    Multiplier bootstrap of the largest studentised deviation, rows resampled by ``cluster`` (n,)
    (Chernozhukov, Chetverikov & Kato 2013). Few clusters get Student's t as a floor. One cluster bounds
    nothing: -inf.
    """
    n = len(values)
    mean: FloatArray = values.mean(axis=0)
    sums = cluster_sums(values - mean, cluster)
    clusters = len(sums)
    if clusters < 2:
        return np.full(len(mean), -np.inf)
    error = _error_of(sums, n)
    moving = error > 0
    if not moving.any():
        return mean
    scaled = (sums[:, moving] / (n * error[moving])).astype(np.float32)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((draws, clusters), dtype=np.float32)
    critical = float(np.quantile((noise @ scaled).max(axis=1), confidence))
    critical = max(critical, _t_quantile(confidence, clusters - 1))
    bounds: FloatArray = mean - critical * error
    return bounds


def bootstrap_weights(cluster: IntArray, *, draws: int, seed: int) -> FloatArray:
    """(draws, n) row weights: clusters drawn with replacement, every row of a cluster weighted alike."""
    _, index = np.unique(cluster, return_inverse=True)
    count = int(index.max()) + 1
    rng = np.random.default_rng(seed)
    weights: FloatArray = rng.multinomial(count, np.full(count, 1.0 / count), size=draws)[:, index].astype(
        float
    )
    return weights


def _t_quantile(confidence: float, freedom: int) -> float:
    """Student's t quantile by Hill's (1970) expansion of the normal one; exact at 1 and 2 degrees."""
    if freedom == 1:
        return float(np.tan(np.pi * (confidence - 0.5)))
    if freedom == 2:
        a = 2 * confidence - 1
        return float(a * np.sqrt(2.0 / (1.0 - a * a)))
    z, v = NormalDist().inv_cdf(confidence), float(freedom)
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / v + g2 / v**2 + g3 / v**3
