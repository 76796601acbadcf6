"""Expected cost of calling each candidate on a query."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from penstock.core.means import weighted_means
from penstock.estimators.crossfit import crossfit
from penstock.estimators.ex_ante.linear import FittedLinear, Ridge
from penstock.estimators.features import Inputs
from penstock.estimators.shrinkage import Shrinkage, fit_shrinkage
from penstock.types import FloatArray, IntArray

_LENGTH_SCALE = 4.0
_FLOOR = 0.05
"""A cost is never estimated below this share of the candidate's mean cost."""


@dataclass(frozen=True)
class CostModel:
    """Cost relative to the candidate's mean, linear in the prompt's features and its length, shrunk."""

    mean_cost: FloatArray
    linear: FittedLinear
    shrinkage: Shrinkage
    mean_chars: float

    def predict(self, inputs: Inputs) -> FloatArray:
        """(n, k) expected cost per call, positive where the candidate's mean is."""
        raw = self.linear.predict(_with_length(inputs, self.mean_chars))
        return self.mean_cost * np.maximum(self.shrinkage.apply(raw), _FLOOR)


def fit_cost(
    inputs: Inputs, cost: FloatArray, weight: FloatArray, fold: IntArray, *, seed: int
) -> tuple[CostModel, FloatArray]:
    """The cost model of all rows, and (n, k) out-of-fold expected costs.

    ``cost`` (n, k) in USD, NaN where unknown; ``weight`` (n, k) as for qualities.
    """
    weight = np.where(np.isnan(cost), 0.0, weight)
    mean_cost = weighted_means(cost, weight)
    scale = np.where(mean_cost > 0, mean_cost, 1.0)
    relative = cost / scale
    mean_chars = float(np.expm1(inputs.length).mean()) or 1.0
    wide = _with_length(inputs, mean_chars)
    raw = crossfit(Ridge(), wide, relative, weight, fold, seed=seed)
    shrinkage = fit_shrinkage(raw, relative, weight, mean_cost / scale)
    fitted = Ridge().fit(wide, relative, weight, seed=seed)
    assert isinstance(fitted, FittedLinear)
    model = CostModel(mean_cost, fitted, shrinkage, mean_chars)
    return model, mean_cost * np.maximum(shrinkage.apply(raw), _FLOOR)


def _with_length(inputs: Inputs, mean_chars: float) -> Inputs:
    """Prompt characters as one more feature: input tokens are what cost is linear in."""
    chars = np.minimum(np.expm1(inputs.length) / mean_chars, 20.0)[:, None] * _LENGTH_SCALE
    return replace(inputs, dense=np.concatenate([inputs.dense, chars], axis=1))
