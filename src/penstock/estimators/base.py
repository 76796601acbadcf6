"""The two halves of every ex-ante estimator: settings that can be fitted, and what fitting gives.

Settings are frozen dataclasses whose fields are the parameters, so ``repr``, equality and copies come
free and ``fit`` never changes them. Randomness enters only through ``seed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from penstock.estimators.features import Inputs
from penstock.types import FloatArray

Settings = Mapping[str, Any]
Arrays = Mapping[str, NDArray[Any]]


class Fitted(Protocol):
    """Expected quality of k candidates on queries not seen before; NumPy alone."""

    @property
    def kind(self) -> str:
        """What ``registry.restore`` knows it by."""
        ...

    def predict(self, inputs: Inputs) -> FloatArray:
        """(n, k) expected quality; finite, not necessarily within [0, 1]."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Plain settings and arrays from which ``registry.restore`` rebuilds the estimator."""
        ...


class Estimator(Protocol):
    """Settings of an estimator."""

    @property
    def name(self) -> str:
        """Short name, as in ``routing/NAME``."""
        ...

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        """Fit on n queries: ``quality`` (n, k) with NaN where missing, ``weight`` (n, k) >= 0 (one over the
        propensity of observed cells, 0 where missing). Inputs are not changed."""
        ...


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
