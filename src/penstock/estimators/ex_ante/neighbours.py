"""k nearest neighbours in the space of text directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.estimators.base import Arrays, Fitted, Settings, weighted_means
from penstock.estimators.features import Inputs
from penstock.types import FloatArray

_BLOCK = 512


@dataclass(frozen=True)
class NearestNeighbours:
    """Similarity-weighted mean over the ``k`` nearest fitting queries by cosine, with ``prior`` rows
    of the mean.

    ``k`` None takes about the square root of the number of rows, at least 10 and at most 60.
    """

    k: int | None = None
    prior: float = 2.0

    @property
    def name(self) -> str:
        return "knn"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        k = self.k or int(np.clip(np.sqrt(len(inputs)), 10, 60))
        return FittedNeighbours(
            vectors=_unit(inputs.dense).astype(np.float32),
            value=(weight * np.nan_to_num(quality)).astype(np.float32),
            weight=weight.astype(np.float32),
            means=weighted_means(quality, weight),
            k=min(k, len(inputs)),
            prior=self.prior,
        )


@dataclass(frozen=True)
class FittedNeighbours:
    """The fitting rows themselves: unit ``vectors`` (m, d), weighted qualities and weights (m, k)."""

    vectors: NDArray[np.float32]
    value: NDArray[np.float32]
    weight: NDArray[np.float32]
    means: FloatArray
    k: int
    prior: float
    kind: str = "knn"

    def predict(self, inputs: Inputs) -> FloatArray:
        vectors = _unit(inputs.dense).astype(np.float32)
        blocks = [self._block(vectors[i : i + _BLOCK]) for i in range(0, len(vectors), _BLOCK)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.means)))

    def _block(self, vectors: NDArray[np.float32]) -> FloatArray:
        similarity = vectors @ self.vectors.T
        near = np.argpartition(-similarity, self.k - 1, axis=1)[:, : self.k]
        closeness = np.maximum(np.take_along_axis(similarity, near, axis=1), 0.0) ** 2
        value = np.einsum("nj,njk->nk", closeness, self.value[near])
        weight = np.einsum("nj,njk->nk", closeness, self.weight[near])
        predicted: FloatArray = (value + self.prior * self.means) / (weight + self.prior)
        return predicted

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        arrays: dict[str, NDArray[Any]] = {
            "vectors": self.vectors,
            "value": self.value,
            "weight": self.weight,
            "means": self.means,
        }
        return {"k": self.k, "prior": self.prior}, arrays

    @classmethod
    def from_state(cls, settings: Settings, arrays: Arrays) -> FittedNeighbours:
        return cls(
            arrays["vectors"],
            arrays["value"],
            arrays["weight"],
            arrays["means"],
            int(settings["k"]),
            float(settings["prior"]),
        )


def _unit(x: FloatArray) -> FloatArray:
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    unit: FloatArray = np.divide(x, norm, out=np.zeros_like(x), where=norm > 0)
    return unit
