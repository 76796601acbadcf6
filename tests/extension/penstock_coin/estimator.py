"""An estimate before the call: how often each candidate was right, and a few tosses of a fair coin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.estimators.base import Fitted
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import FloatArray


@register("estimator", "coin")
@dataclass(frozen=True)
class Coin:
    """The share of right answers, ``tosses`` of a fair coin counted as answers too."""

    tosses: float = 1.0

    @property
    def name(self) -> str:
        return "coin"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> FittedCoin:
        right = (weight * np.nan_to_num(quality)).sum(axis=0) + self.tosses / 2
        return FittedCoin(right / (weight.sum(axis=0) + self.tosses))


@register("fitted_estimator", "coin")
@dataclass(frozen=True)
class FittedCoin(Fitted):
    """``share`` (k,) of right answers."""

    share: FloatArray

    def predict(self, inputs: Inputs) -> FloatArray:
        return np.tile(self.share, (len(inputs), 1))
