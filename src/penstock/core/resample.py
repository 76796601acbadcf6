"""Simultaneous bounds and bootstrap weights.

Preconditions: finite arrays; at least one row.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from penstock.types import FloatArray, IntArray

_FEW = 20
"""Of fewer clusters too few sums are left to tell how alike columns are."""
_EXPANDED = 60
"""Degrees of freedom above which an expansion of Student's quantile is good to four digits and more."""


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
    (Chernozhukov, Chetverikov & Kato 2013). That is a normal approximation. With few clusters each error is
    itself uncertain, so the level at which the bootstrap holds every mean is met by Student's quantile and
    not by the normal one; and as very few sums make columns look more alike than they are, that level is then
    at least what resampling rows asks for. One cluster bounds nothing: -inf.
    """
    mean: FloatArray = values.mean(axis=0)
    deviations = values - mean
    sums = cluster_sums(deviations, cluster)
    clusters = len(sums)
    if clusters < 2:
        return np.full(len(mean), -np.inf)
    error = _error_of(sums, len(values))
    if not (error > 0).any():
        return mean
    level = max(_simultaneous_level(sums, confidence, draws, seed), confidence)
    if clusters < _FEW:
        level = max(_simultaneous_level(deviations, confidence, draws, seed), level)
    bounds: FloatArray = mean - t_quantile(level, clusters - 1) * error
    return bounds


def _simultaneous_level(sums: FloatArray, confidence: float, draws: int, seed: int) -> float:
    """At which level each of p means has to be held so that all are at the ``confidence``, by a multiplier
    bootstrap of independent ``sums`` (m, p) of deviations."""
    length = np.sqrt((sums**2).sum(axis=0))
    moving = length > 0
    scaled = (sums[:, moving] / length[moving]).astype(np.float32)
    noise = np.random.default_rng(seed).standard_normal((draws, len(sums)), dtype=np.float32)
    return NormalDist().cdf(float(np.quantile((noise @ scaled).max(axis=1), confidence)))


def bootstrap_weights(cluster: IntArray, *, draws: int, seed: int) -> FloatArray:
    """(draws, n) row weights: clusters drawn with replacement, every row of a cluster weighted alike."""
    _, index = np.unique(cluster, return_inverse=True)
    count = int(index.max()) + 1
    rng = np.random.default_rng(seed)
    weights: FloatArray = rng.multinomial(count, np.full(count, 1.0 / count), size=draws)[:, index].astype(
        float
    )
    return weights


def t_quantile(confidence: float, freedom: int) -> float:
    """Student's t quantile for a ``confidence`` of at least one half and integer degrees of ``freedom``."""
    if freedom > _EXPANDED:
        return _t_expansion(confidence, freedom)
    low, high = 0.0, 1.0
    while _t_below(high, freedom) < confidence and high < 1e12:
        low, high = high, 2.0 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_below(middle, freedom) < confidence else (low, middle)
    return high


def _t_below(t: float, freedom: int) -> float:
    """P(T <= t) for t >= 0, by the finite sums for integer degrees of freedom (Abramowitz & Stegun 1964,
    26.7.3 and 26.7.4)."""
    angle = float(np.arctan(t / np.sqrt(freedom)))
    sine, cosine = float(np.sin(angle)), float(np.cos(angle))
    odd = freedom % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for i in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine * cosine * (i - 1) / i
        total += term
    within = 2.0 / np.pi * (angle + sine * total) if odd else sine * total
    return 0.5 + 0.5 * within


def _t_expansion(confidence: float, freedom: int) -> float:
    """Hill's (1970) expansion of Student's quantile around the normal one."""
    z, v = NormalDist().inv_cdf(confidence), float(freedom)
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / v + g2 / v**2 + g3 / v**3
