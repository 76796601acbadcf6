"""Weighted means of observed cells, and the log loss of estimates."""

from __future__ import annotations

import numpy as np

from penstock.types import FloatArray

_CERTAIN = 1e-3
"""No estimate counts as nearer to certainty than this: one surprise would outweigh a thousand answers."""


def log_loss(estimates: FloatArray, quality: FloatArray) -> FloatArray:
    """Of every estimate in [0, 1] against the quality in [0, 1] that came out, in nats; any one shape."""
    p = np.clip(estimates, _CERTAIN, 1.0 - _CERTAIN)
    loss: FloatArray = -(quality * np.log(p) + (1.0 - quality) * np.log1p(-p))
    return loss


def weighted_means(quality: FloatArray, weight: FloatArray) -> FloatArray:
    """(k,) weighted mean of the observed cells; 0.5 where a candidate has none."""
    total = weight.sum(axis=0)
    summed = (weight * np.nan_to_num(quality)).sum(axis=0)
    means: FloatArray = np.divide(summed, total, out=np.full_like(total, 0.5), where=total > 0)
    return means
