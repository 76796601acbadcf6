"""Kernel ridge regression along the factors of the candidates' qualities.

The features are the dense ones and a Nyström map of a Gaussian kernel around landmark queries (Williams &
Seeger 2001), so that both a global slope and a neighbourhood count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.factor_ridge import PENALTIES, solve
from penstock.core.factors import Residuals
from penstock.estimators.base import Fitted
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import FloatArray

_SAMPLE = 500


@register("estimator", "kernel")
@dataclass(frozen=True)
class Kernel:
    """Regression on slopes and neighbourhoods of prompts at once.

    ``landmarks``: how many queries the kernel is spanned by; ``width``: the Gaussian's variance as a share of
    the median squared distance between queries.
    """

    landmarks: int = 400
    width: float = 0.2
    penalties: tuple[float, ...] = PENALTIES

    @property
    def name(self) -> str:
        return "kernel"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        map_ = self._map(inputs.dense, np.random.default_rng(seed))
        raw = map_(inputs.dense)
        centre = raw.mean(axis=0)
        residuals = Residuals.of(quality, weight)
        offset, slopes = solve(raw - centre, residuals, self.penalties)
        intercept = residuals.means + residuals.spread(offset)
        return FittedKernel(map_, intercept - centre @ residuals.spread(slopes), residuals.spread(slopes))

    def _map(self, x: FloatArray, rng: np.random.Generator) -> NystromMap:
        landmarks = x[rng.permutation(len(x))[: self.landmarks]]
        sample = x[rng.permutation(len(x))[:_SAMPLE]]
        apart = squared_distances(sample, sample)
        scale = float(np.median(apart[np.triu_indices(len(sample), 1)])) if len(sample) > 1 else 0.0
        variance = self.width * scale or 1.0
        values, vectors = np.linalg.eigh(np.exp(-squared_distances(landmarks, landmarks) / (2 * variance)))
        kept = values > 1e-6 * values[-1]
        # the kernel's block is made as long as the dense one, so that one penalty suits both
        length = float(np.sqrt((x**2).sum(axis=1).mean()))
        return NystromMap(landmarks, length * vectors[:, kept] / np.sqrt(values[kept]), variance)


@dataclass(frozen=True)
class NystromMap:
    """``landmarks`` (m, d), ``project`` (m, r) and the Gaussian's ``variance``."""

    landmarks: FloatArray
    project: FloatArray
    variance: float

    def __call__(self, x: FloatArray) -> FloatArray:
        """(n, d) -> (n, d + r)."""
        near = np.exp(-squared_distances(x, self.landmarks) / (2 * self.variance))
        return np.concatenate([x, near @ self.project], axis=1)


@register("fitted_estimator", "kernel")
@dataclass(frozen=True)
class FittedKernel(Fitted):
    """``intercept`` (k,) and ``slopes`` (d + r, k) over what the map makes of the features."""

    map: NystromMap
    intercept: FloatArray
    slopes: FloatArray

    def predict(self, inputs: Inputs) -> FloatArray:
        predicted: FloatArray = self.map(inputs.dense) @ self.slopes + self.intercept
        return predicted


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """(n, m) squared Euclidean distances between rows, never below 0."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * (a @ b.T)
    apart: FloatArray = np.maximum(squares, 0.0)
    return apart
