"""Joint Gaussians over qualities and signals: conditioning. Preconditions: finite arrays, symmetric and
positive semidefinite covariances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.types import BoolArray, FloatArray, IntArray

_SINGULAR = 1e-10
"""A pivot below this part of its variance is rounding."""


@dataclass(frozen=True, slots=True)
class Conditioned:
    """A Gaussian given what was observed: means per query, covariances per pattern of observation."""

    mean: FloatArray
    """(n, d); observed entries are the observed values."""
    covariance: FloatArray
    """(p, d, d), one per distinct pattern; rows and columns of observed entries are zero."""
    pattern: IntArray
    """(n,) which covariance is each query's."""


def condition(
    mean: FloatArray, covariance: FloatArray, values: FloatArray, observed: BoolArray
) -> Conditioned:
    """N(mean, covariance) of d variables given, per query, the values of the observed ones.

    mean (n, d) or (d,); covariance (d, d); values (n, d), read where ``observed`` (n, d) only. The posterior
    covariance depends on which variables were observed, not on their values, so each pattern is solved once:
    O(p d^3 + n d^2). Singular blocks are solved in the least-squares sense (a repeated signal counts once).
    """
    n, d = values.shape
    prior = np.broadcast_to(mean, (n, d))
    patterns, index = np.unique(observed, axis=0, return_inverse=True)
    index = index.reshape(-1)
    posterior = np.array(prior, dtype=float)
    covariances = np.zeros((len(patterns), d, d))
    for p, seen in enumerate(patterns):
        rows = np.flatnonzero(index == p)
        gain = regression(covariance, seen)
        shift = np.where(seen, values[rows] - prior[rows], 0.0)[:, seen]
        posterior[np.ix_(rows, ~seen)] += shift @ gain.T
        posterior[np.ix_(rows, seen)] = values[np.ix_(rows, seen)]
        left = covariance[np.ix_(~seen, ~seen)] - gain @ covariance[np.ix_(seen, ~seen)]
        covariances[p][np.ix_(~seen, ~seen)] = (left + left.T) / 2
    return Conditioned(posterior, covariances, index.astype(np.int64))


def regression(covariance: FloatArray, seen: BoolArray) -> FloatArray:
    """(unseen, seen) coefficients of the unseen variables on the seen ones."""
    across = covariance[np.ix_(~seen, seen)]
    if not seen.any():
        return across
    block = covariance[np.ix_(seen, seen)]
    scale = np.sqrt(np.maximum(np.diag(block), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    inverse = np.linalg.pinv(block / scale / scale[:, None], rcond=_SINGULAR, hermitian=True)
    gain: FloatArray = (across / scale) @ inverse / scale
    return gain
