"""Candidate means, and candidate means per task: the floor any other estimator has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.core.means import weighted_means
from penstock.estimators.base import Fitted
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import FloatArray


@register("estimator", "mean")
@dataclass(frozen=True)
class CandidateMean:
    """Every query is expected to go as the average query went."""

    @property
    def name(self) -> str:
        return "mean"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        means = weighted_means(quality, weight)
        return FittedMeans(np.array([""], dtype=np.str_), means[None, :])


@register("estimator", "task_mean")
@dataclass(frozen=True)
class TaskMean:
    """The candidate's mean on the query's task, shrunk towards its overall mean by ``prior`` pseudo-rows.

    Needs the task's name at decision time (``--features task``); a task never seen gets the overall mean.
    """

    prior: float = 5.0

    @property
    def name(self) -> str:
        return "task_mean"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        overall = weighted_means(quality, weight)
        tasks, index = np.unique(inputs.task, return_inverse=True)
        member = np.zeros((len(tasks), len(index)))
        member[index, np.arange(len(index))] = 1.0
        summed = member @ (weight * np.nan_to_num(quality)) + self.prior * overall
        means = summed / (member @ weight + self.prior)
        return FittedMeans(np.concatenate([[""], tasks]), np.concatenate([overall[None, :], means]))


@register("fitted_estimator", "means")
@dataclass(frozen=True)
class FittedMeans(Fitted):
    """``means`` (t, k) by task; the first row stands for tasks never seen."""

    tasks: NDArray[np.str_]
    means: FloatArray

    def predict(self, inputs: Inputs) -> FloatArray:
        rows = {task: i for i, task in reversed(list(enumerate(self.tasks.tolist())))}
        predicted: FloatArray = self.means[[rows.get(t, 0) for t in inputs.task.tolist()]]
        return predicted
