"""The mean of every estimator that was tried, each after its own shrinkage.

Which of several good estimators did best on a few hundred rows, or on a few tasks, is mostly luck; their
mean does about as well as the luckiest without having to be lucky. Unlike ``stack`` it learns nothing on top,
so nothing on top can fail to carry over to other tasks. It is not fitted by itself: it is put together from
members that were fitted and cross-fitted anyway, and costs nothing to try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.estimators.base import Fitted
from penstock.estimators.features import Inputs
from penstock.estimators.shrinkage import Shrinkage
from penstock.registry import register
from penstock.types import FloatArray

ENSEMBLE = "ensemble"
"""Its name among estimators."""


@register("fitted_estimator", "ensemble")
@dataclass(frozen=True)
class FittedEnsemble(Fitted):
    """Fitted ``members`` and the ``shrinkages`` of what each predicts."""

    members: tuple[Fitted, ...]
    shrinkages: tuple[Shrinkage, ...]

    def predict(self, inputs: Inputs) -> FloatArray:
        return mean_of(
            [
                np.clip(shrinkage.apply(member.predict(inputs)), 0.0, 1.0)
                for member, shrinkage in zip(self.members, self.shrinkages, strict=True)
            ]
        )


def mean_of(estimates: Sequence[FloatArray]) -> FloatArray:
    """(n, k) the members' ``estimates`` (n, k) count alike."""
    mean: FloatArray = np.mean(estimates, axis=0)
    return mean
