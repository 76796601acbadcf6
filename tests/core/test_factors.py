"""What candidates share and how they differ, and ridge regression along it."""

from __future__ import annotations

import numpy as np

from penstock.core.factor_ridge import solve
from penstock.core.factors import Residuals
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.features import Inputs
from penstock.testing.estimators import inputs_of, weights_of
from penstock.types import FloatArray

N, K = 800, 4


def drawn(missing: float) -> tuple[Inputs, FloatArray]:
    """Inputs, and outcomes of one ease and one skill, some of them missing."""
    inputs = inputs_of(N)
    ease, skill = inputs.dense[:, [0]] * 1.5, inputs.dense[:, [1]]
    logit = ease + skill * np.array([1.0, -1.0, 0.0, 0.0]) + np.array([-1.0, -1.0, 0.0, 1.0])
    rng = np.random.default_rng(100)
    quality = (rng.random(logit.shape) < 1 / (1 + np.exp(-logit))).astype(float)
    return inputs, np.where(rng.random(logit.shape) < missing, np.nan, quality)


def test_axes_are_orthonormal_and_the_first_is_what_all_share() -> None:
    _, quality = drawn(0.3)
    axes = Residuals.of(quality, weights_of(quality)).axes
    np.testing.assert_allclose(axes.T @ axes, np.eye(K), atol=1e-9)
    np.testing.assert_allclose(np.abs(axes[:, 0]), 0.5, atol=1e-9)
    assert abs(axes[0, 1] - axes[1, 1]) > 1.0, "then the two that differ most"


def test_filling_holes_comes_to_the_weighted_solution() -> None:
    """With one penalty for all axes the answer is ridge regression on the cells that are there."""
    inputs, quality = drawn(0.4)
    weight = weights_of(quality)
    centre = inputs.dense.mean(axis=0)
    residuals = Residuals.of(quality, weight)
    offset, slopes = solve(inputs.dense - centre, residuals, (30.0,))
    said = residuals.means + (inputs.dense - centre) @ residuals.spread(slopes) + residuals.spread(offset)
    # the penalty is on the scale of the largest weight
    scaled = Ridge((30.0 * float(weight.max()),)).fit(inputs, quality, weight, seed=0)
    np.testing.assert_allclose(said, scaled.predict(inputs), atol=1e-3)
