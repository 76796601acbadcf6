"""Nearest neighbours that keep quiet where they have nothing to say.

Two guards, both towards the candidates' means. Distance: a query further from its neighbours than nearly
every fitting query is from its own gets the mean. Agreement: what the neighbours say of all candidates is
shrunk by a positive-part rule (James & Stein 1961), to nothing where they differ from the mean by no more
than so many draws at random would on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.estimators.base import Arrays, Fitted, Settings
from penstock.estimators.ex_ante.neighbours import BLOCK, FittedNeighbours, NearestNeighbours, unit
from penstock.estimators.features import Inputs
from penstock.types import FloatArray

_SAMPLE = 1_000


@dataclass(frozen=True)
class GuardedNeighbours:
    """``far``: the share of fitting queries that count as too far from their neighbours themselves."""

    k: int | None = None
    prior: float = 2.0
    far: float = 0.02

    @property
    def name(self) -> str:
        return "guarded_knn"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        plain = NearestNeighbours(self.k, self.prior).fit(inputs, quality, weight, seed=seed)
        assert isinstance(plain, FittedNeighbours)
        residual = np.where(weight > 0, np.nan_to_num(quality) - plain.means, 0.0)
        total = weight.sum(axis=0)
        variance = (weight * residual**2).sum(axis=0) / np.where(total > 0, total, 1.0)
        rows = np.random.default_rng(seed).permutation(len(inputs))[:_SAMPLE]
        similarity = plain.vectors[rows] @ plain.vectors.T
        similarity[np.arange(len(rows)), rows] = -np.inf
        nearest = np.sort(similarity, axis=1)[:, -min(plain.k, max(len(inputs) - 1, 1)) :]
        lone = len(inputs) < 2
        return FittedGuarded(
            plain, variance, 0.0 if lone else float(np.quantile(nearest.mean(axis=1), self.far))
        )


@dataclass(frozen=True)
class FittedGuarded:
    """``plain`` neighbours, the candidates' ``variance`` (k,) and the least mean similarity they need."""

    plain: FittedNeighbours
    variance: FloatArray
    floor: float
    kind: str = "guarded_knn"

    def predict(self, inputs: Inputs) -> FloatArray:
        vectors = unit(inputs.dense).astype(np.float32)
        blocks = [self._block(vectors[i : i + BLOCK]) for i in range(0, len(vectors), BLOCK)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.variance)))

    def _block(self, vectors: NDArray[np.float32]) -> FloatArray:
        plain = self.plain
        near, similarity = plain.nearest(vectors)
        closeness = np.maximum(similarity, 0.0) ** 2
        said = plain.average(near, closeness) - plain.means
        mass = closeness[:, :, None] * plain.weight[near]
        total = mass.sum(axis=1)
        # the variance of a weighted mean with `prior` rows of the candidates' own mean in it
        error = self.variance * (mass**2).sum(axis=1) / (total + plain.prior) ** 2
        known = error > 0
        standard = np.divide(said**2, error, out=np.zeros_like(said), where=known).sum(axis=1)
        count = known.sum(axis=1).astype(np.float64)
        keep = np.maximum(
            1.0 - np.divide(count, standard, out=np.ones_like(standard), where=standard > 0), 0.0
        )
        keep[similarity.mean(axis=1) < self.floor] = 0.0
        predicted: FloatArray = plain.means + keep[:, None] * said
        return predicted

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        settings, arrays = self.plain.state()
        return {**settings, "floor": self.floor}, {**arrays, "variance": self.variance}

    @classmethod
    def from_state(cls, settings: Settings, arrays: Arrays) -> FittedGuarded:
        return cls(
            FittedNeighbours.from_state(settings, arrays), arrays["variance"], float(settings["floor"])
        )
