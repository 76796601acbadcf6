"""Covariances: projection onto the positive semidefinite ones, and square roots.

Preconditions: finite arrays, symmetric matrices. Only ``nearest_psd`` takes covariances that are not positive
semidefinite.
"""

from __future__ import annotations

import numpy as np

from penstock.types import FloatArray

_SINGULAR = 1e-10
"""A pivot below this part of its variance is rounding."""


def nearest_psd(covariance: FloatArray) -> FloatArray:
    """The nearest positive semidefinite matrices (..., d, d) in Frobenius norm: negative eigenvalues become
    0.
    """
    symmetric = (covariance + np.swapaxes(covariance, -1, -2)) / 2
    values, vectors = np.linalg.eigh(symmetric)
    projected = (vectors * np.maximum(values, 0.0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    result: FloatArray = (projected + np.swapaxes(projected, -1, -2)) / 2
    return result


def square_root(covariance: FloatArray) -> FloatArray:
    """Lower triangular L (..., d, d) with L @ L.T = covariance; positive semidefinite is enough.

    Cholesky by columns without pivoting; a pivot that is only rounding leaves its column zero, so a certain
    variable has a zero row and no jitter is added.
    """
    rest: FloatArray = np.array(covariance, dtype=float)
    lower: FloatArray = np.zeros_like(rest)
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)
    for j in range(rest.shape[-1]):
        pivot = rest[..., j, j]
        sound = pivot > _SINGULAR * variance[..., j]
        root = np.sqrt(np.where(sound, pivot, 1.0))
        column = np.where(sound[..., None], rest[..., :, j] / root[..., None], 0.0)
        column[..., :j] = 0.0
        lower[..., :, j] = column
        rest -= column[..., :, None] * column[..., None, :]
    return lower
