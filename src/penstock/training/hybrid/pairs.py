"""Labels from samples of two models: is the weaker one's answer as good? (Hybrid LLM, ICLR 2024).

``small`` (n, s) and ``large`` (n, l) hold the quality of every sampled response, NaN where a sample is
missing. Every label is computed from the differences ``d = q_large - q_small`` over all s x l pairs of a
query: an *easy* query is one on which d <= t. Any real-valued quality will do, negative ones too.
"""

from __future__ import annotations

import numpy as np

from penstock.errors import InputError
from penstock.types import FloatArray

GRID_SIZE = 200
GRID_TOP = 0.99
"""The grid searched for t: 0 and this many quantiles of the positive differences, up to this one. The paper
does not print its grid."""

_BLOCK = 4_000_000
"""Pairs sorted at a time."""


def first_sample_label(small: FloatArray, large: FloatArray) -> FloatArray:
    """y_det (n,): 1 where the first sample of the weaker model is at least as good, else 0."""
    _check(small, large)
    if np.isnan(small[:, 0]).any() or np.isnan(large[:, 0]).any():
        raise InputError("the first sample of a query is missing")
    label: FloatArray = (large[:, 0] - small[:, 0] <= 0.0).astype(np.float64)
    return label


def win_share(small: FloatArray, large: FloatArray, t: float = 0.0) -> FloatArray:
    """Pr[q_small >= q_large - t] (n,) over all pairs of samples: y_prob for t = 0, y_trans(t) above."""
    _check(small, large)
    return win_shares(small, large, np.array([t]))[:, 0]


def win_shares(small: FloatArray, large: FloatArray, ts: FloatArray) -> FloatArray:
    """y_trans(t) (n, T) for rising ``ts`` (T,): differences are sorted once and d <= t is counted."""
    _check(small, large)
    pairs = small.shape[1] * large.shape[1]
    rows = max(1, _BLOCK // pairs)
    shares = np.empty((len(small), len(ts)))
    for start in range(0, len(small), rows):
        gaps = _gaps(small[start : start + rows], large[start : start + rows])
        gaps.sort(axis=1)  # NaN last
        known = (~np.isnan(gaps)).sum(axis=1)
        for i, row in enumerate(gaps):
            below = np.searchsorted(row[: known[i]], ts, side="right")
            shares[start + i] = below / known[i]
    return shares


def transformation_grid(
    small: FloatArray, large: FloatArray, *, size: int = GRID_SIZE, top: float = GRID_TOP
) -> FloatArray:
    """Candidates for t, rising: 0 and ``size`` quantiles of the positive differences up to the ``top`` one.

    Quantiles are actual differences, so that d <= t counts the pair t was taken from. Where no difference is
    positive the grid is 0 alone.
    """
    _check(small, large)
    gaps = _gaps(small, large).ravel()
    positive = gaps[gaps > 0]
    if len(positive) == 0:
        return np.zeros(1)
    steps = np.linspace(top / size, top, size)
    quantiles = np.quantile(positive, steps, method="inverted_cdf")
    return np.unique(np.concatenate([[0.0], quantiles]))


def mean_pairwise_difference(labels: FloatArray) -> FloatArray:
    """(T,) mean of |y_i - y_j| over all ordered pairs of rows of ``labels`` (n, T), in O(n log n)."""
    n = len(labels)
    ranks = 2.0 * np.arange(1, n + 1) - n - 1
    spread: FloatArray = 2.0 * (ranks @ np.sort(labels, axis=0)) / n**2
    return spread


def best_transformation(small: FloatArray, large: FloatArray) -> float:
    """t*: the grid's value whose labels y_trans(t) differ most between queries; of equals the smallest."""
    grid = transformation_grid(small, large)
    spread = mean_pairwise_difference(win_shares(small, large, grid))
    return float(grid[int(np.argmax(spread > spread.max() - 1e-12))])


def _gaps(small: FloatArray, large: FloatArray) -> FloatArray:
    """(n, s * l) differences q_large - q_small of all pairs of samples."""
    gaps: FloatArray = (large[:, None, :] - small[:, :, None]).reshape(len(small), -1)
    return gaps


def _check(small: FloatArray, large: FloatArray) -> None:
    if small.ndim != 2 or large.ndim != 2 or len(small) != len(large) or len(small) == 0:
        raise InputError(f"samples of shapes {small.shape} and {large.shape} are not of the same queries")
    for name, values in (("weaker", small), ("stronger", large)):
        if np.isinf(values).any():
            raise InputError(f"a sample of the {name} model has infinite quality")
        if np.isnan(values).all(axis=1).any():
            raise InputError(f"a query has no sample of the {name} model")
