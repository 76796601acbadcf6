"""E[max] of correlated Gaussian qualities, for every set of candidates at once (De Koninck et al. 2025,
Theorem 2).

Sets are int64 bit masks: bit i stands for candidate i. All sets share one sample, so E[max] is monotone and
submodular sample by sample, which is what Lemma 1 rests on. Preconditions: finite arrays, k <= 20 for all
subsets.

A *factor* says how the draws Z (S, k) become qualities X = mean + noise: None (no variance), standard
deviations (n, k) of independent candidates, or square roots L (n, k, k) of covariances, L @ L.T = Sigma. A
leading length of 1 stands for all queries. An executed candidate has a zero row.
"""

from __future__ import annotations

import numpy as np

from penstock.types import FloatArray

_BLOCK = 1 << 22
"""Doubles held at once."""


def quality_samples(mean: FloatArray, factor: FloatArray | None, draws: FloatArray) -> FloatArray:
    """X (n, k, S): sampled qualities of n queries. Without a factor S is 1 and X the means."""
    if factor is None:
        return mean[:, :, None]
    noise = factor[:, :, None] * draws.T if factor.ndim == 2 else factor @ draws.T
    return mean[:, :, None] + noise


def expected_max(mean: FloatArray, factor: FloatArray | None, draws: FloatArray) -> FloatArray:
    """(n, 2**k) E[max over the set] for every bit mask; -inf for the empty set.

    The maxima of the 2**i sets whose highest candidate is i are those of the sets below joined with X_i: k
    array operations for all sets, O(2**k * S) per query.
    """
    n, k = mean.shape
    size = 1 if factor is None else len(draws)
    result = np.full((n, 1 << k), -np.inf)
    step = max(1, _BLOCK // (size << k))
    for begin in range(0, n, step):
        rows = slice(begin, begin + step)
        samples = quality_samples(mean[rows], rows_of(factor, rows), draws)
        maxima = np.empty((len(samples), 1 << k, size))
        maxima[:, 0] = -np.inf
        for i in range(k):
            np.maximum(maxima[:, : 1 << i], samples[:, i, None], out=maxima[:, 1 << i : 2 << i])
        result[rows, 1:] = maxima[:, 1:].mean(axis=2)
    return result


def rows_of(factor: FloatArray | None, rows: slice) -> FloatArray | None:
    """The factor of some queries; one factor for all stays as it is."""
    return factor if factor is None or len(factor) == 1 else factor[rows]
