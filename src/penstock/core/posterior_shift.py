"""How far estimates still move: covariances of moves and their square roots."""

from __future__ import annotations

import numpy as np

from penstock.core.covariance import nearest_psd, square_root
from penstock.errors import InputError
from penstock.types import FloatArray, IntArray


def move_covariance(now: FloatArray, then: FloatArray) -> FloatArray:
    """(k, k) covariance over m >= 2 rows of ``now - then``, both (m, k). InputError with fewer rows."""
    if len(now) < 2:
        raise InputError(
            f"{len(now)} queries have an outcome of every candidate; how far estimates move takes two",
            hint="Collect more complete rows, or name fewer candidates",
        )
    moved = now - then
    centred = moved - moved.mean(axis=0)
    covariance: FloatArray = centred.T @ centred / (len(moved) - 1)
    return covariance


def shift_sqrt_of(
    covariance: FloatArray, ran: IntArray, *, diagonal: bool = False, variance_slip: bool = False
) -> FloatArray:
    """(k, k) ``L`` with ``L L'`` = the PSD projection of ``covariance`` among candidates that have not run.

    Rows and columns of ``ran`` are 0: what an executed candidate is worth counts as known. ``diagonal``:
    moves taken as independent. ``variance_slip``: with the diagonal, the *variance* where the standard
    deviation belongs, as the reference code does (docs/references.md, defect 4).
    """
    k = len(covariance)
    shift_sqrt = np.zeros((k, k))
    waiting = np.setdiff1d(np.arange(k), ran)
    if not waiting.size:
        return shift_sqrt
    block = np.ix_(waiting, waiting)
    if diagonal or variance_slip:
        variance = np.maximum(np.diag(covariance)[waiting], 0.0)
        shift_sqrt[waiting, waiting] = variance if variance_slip else np.sqrt(variance)
        return shift_sqrt
    shift_sqrt[block] = square_root(nearest_psd(covariance[block]))
    return shift_sqrt
