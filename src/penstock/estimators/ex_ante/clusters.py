"""k-means clusters of prompts with the candidates' means in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.means import weighted_means
from penstock.errors import MissingExtra
from penstock.estimators.base import Fitted
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import FloatArray


@register("estimator", "kmeans")
@dataclass(frozen=True)
class Clusters:
    """Means per cluster, shrunk by ``prior`` pseudo-rows towards the overall mean.

    ``clusters`` None takes one per ``rows_per_cluster`` rows, between 2 and 64.
    """

    clusters: int | None = None
    rows_per_cluster: int = 40
    prior: float = 5.0

    @property
    def name(self) -> str:
        return "kmeans"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        try:
            from sklearn.cluster import KMeans
        except ImportError as error:
            raise MissingExtra("fit", "fitting clusters") from error
        distinct = len(np.unique(inputs.dense.round(6), axis=0))
        count = self.clusters or int(np.clip(len(inputs) // self.rows_per_cluster, 2, 64))
        count = max(1, min(count, distinct))
        fitted = KMeans(count, n_init=2, random_state=seed).fit(inputs.dense)
        member = np.zeros((count, len(inputs)))
        member[fitted.labels_, np.arange(len(inputs))] = 1.0
        overall = weighted_means(quality, weight)
        summed = member @ (weight * np.nan_to_num(quality)) + self.prior * overall
        centres = np.asarray(fitted.cluster_centers_, dtype=np.float64)
        return FittedClusters(centres, summed / (member @ weight + self.prior))


@register("fitted_estimator", "clusters")
@dataclass(frozen=True)
class FittedClusters(Fitted):
    """``centres`` (m, d) and the candidates' ``means`` (m, k) around each."""

    centres: FloatArray
    means: FloatArray

    def predict(self, inputs: Inputs) -> FloatArray:
        distance = (self.centres**2).sum(axis=1) - 2.0 * inputs.dense @ self.centres.T
        predicted: FloatArray = self.means[distance.argmin(axis=1)]
        return predicted
