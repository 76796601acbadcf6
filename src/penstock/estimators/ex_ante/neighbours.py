"""k nearest neighbours in the space of the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.core.means import weighted_means
from penstock.estimators.base import Fitted
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import FloatArray, IntArray

BLOCK = 512


@register("estimator", "knn")
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
            vectors=unit(inputs.dense).astype(np.float32),
            value=(weight * np.nan_to_num(quality)).astype(np.float32),
            weight=weight.astype(np.float32),
            means=weighted_means(quality, weight),
            k=min(k, len(inputs)),
            prior=self.prior,
        )


@register("fitted_estimator", "knn")
@dataclass(frozen=True)
class FittedNeighbours(Fitted):
    """The fitting rows themselves: unit ``vectors`` (m, d), weighted qualities and weights (m, k)."""

    vectors: NDArray[np.float32]
    value: NDArray[np.float32]
    weight: NDArray[np.float32]
    means: FloatArray
    k: int
    prior: float

    def predict(self, inputs: Inputs) -> FloatArray:
        vectors = unit(inputs.dense).astype(np.float32)
        blocks = [self._block(vectors[i : i + BLOCK]) for i in range(0, len(vectors), BLOCK)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.means)))

    def _block(self, vectors: NDArray[np.float32]) -> FloatArray:
        near, similarity = self.nearest(vectors)
        return self.average(near, np.maximum(similarity, 0.0) ** 2)

    def nearest(self, vectors: NDArray[np.float32]) -> tuple[IntArray, FloatArray]:
        """(n, k) the rows nearest to unit ``vectors`` (n, d), in no order, and their cosines."""
        similarity = vectors @ self.vectors.T
        near = np.argpartition(-similarity, self.k - 1, axis=1)[:, : self.k]
        return near, np.take_along_axis(similarity, near, axis=1).astype(np.float64)

    def average(self, near: IntArray, closeness: FloatArray) -> FloatArray:
        """Weighted means over rows ``near`` with ``prior`` rows of the candidates' means."""
        value = np.einsum("nj,njk->nk", closeness, self.value[near])
        weight = np.einsum("nj,njk->nk", closeness, self.weight[near])
        predicted: FloatArray = (value + self.prior * self.means) / (weight + self.prior)
        return predicted


def unit(x: FloatArray) -> FloatArray:
    """Rows of length 1; 0 where a row is."""
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    scaled: FloatArray = np.divide(x, norm, out=np.zeros_like(x), where=norm > 0)
    return scaled
