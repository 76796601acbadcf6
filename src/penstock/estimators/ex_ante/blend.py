"""The plain mean of several estimators: neighbours, clusters and a regression err in different places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.estimators.base import Estimator, Fitted
from penstock.estimators.ex_ante.clusters import Clusters
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.ex_ante.neighbours import NearestNeighbours
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import FloatArray


@register("estimator", "blend")
@dataclass(frozen=True)
class Blend:
    """Fits every member on the same rows and averages what they predict."""

    members: tuple[Estimator, ...] = (Ridge(), NearestNeighbours(), Clusters())

    @property
    def name(self) -> str:
        return "blend"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        return FittedBlend(tuple(m.fit(inputs, quality, weight, seed=seed) for m in self.members))


@register("fitted_estimator", "blend")
@dataclass(frozen=True)
class FittedBlend(Fitted):
    """The fitted members."""

    members: tuple[Fitted, ...]

    def predict(self, inputs: Inputs) -> FloatArray:
        predicted: FloatArray = np.mean([m.predict(inputs) for m in self.members], axis=0)
        return predicted
