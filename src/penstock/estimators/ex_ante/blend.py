"""The plain mean of several estimators: neighbours, clusters and a regression err in different places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.estimators.base import Arrays, Estimator, Fitted, Settings
from penstock.estimators.ex_ante.clusters import Clusters
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.ex_ante.members import Restore, members_from_state, members_state
from penstock.estimators.ex_ante.neighbours import NearestNeighbours
from penstock.estimators.features import Inputs
from penstock.types import FloatArray


@dataclass(frozen=True)
class Blend:
    """Fits every member on the same rows and averages what they predict."""

    members: tuple[Estimator, ...] = (Ridge(), NearestNeighbours(), Clusters())

    @property
    def name(self) -> str:
        return "blend"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        return FittedBlend(tuple(m.fit(inputs, quality, weight, seed=seed) for m in self.members))


@dataclass(frozen=True)
class FittedBlend:
    """The fitted members."""

    members: tuple[Fitted, ...]
    kind: str = "blend"

    def predict(self, inputs: Inputs) -> FloatArray:
        predicted: FloatArray = np.mean([m.predict(inputs) for m in self.members], axis=0)
        return predicted

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        settings, arrays = members_state(self.members)
        return {"members": settings}, arrays

    @classmethod
    def from_state(cls, settings: Settings, arrays: Arrays, restore: Restore) -> FittedBlend:
        return cls(members_from_state(settings["members"], arrays, restore))
