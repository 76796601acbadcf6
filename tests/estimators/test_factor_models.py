"""Estimators along what candidates share and how they differ: kernel, factorisation, item response."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.estimators.ex_ante.factor_ridge import solve
from penstock.estimators.ex_ante.factors import Residuals
from penstock.estimators.ex_ante.guarded import GuardedNeighbours
from penstock.estimators.ex_ante.kernel import Kernel
from penstock.estimators.ex_ante.latent import FittedLatent, ItemResponse
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.ex_ante.neighbours import NearestNeighbours
from penstock.estimators.features import Inputs
from penstock.estimators.registry import estimator
from penstock.testing.estimators import inputs_of, weights_of
from penstock.types import FloatArray

N, K = 800, 4


def drawn(n: int, seed: int, missing: float = 0.0) -> tuple[Inputs, FloatArray, FloatArray]:
    """Inputs, probabilities of one ease and one skill, and outcomes, some of them missing."""
    inputs = inputs_of(n, seed=seed)
    ease, skill = inputs.dense[:, [0]] * 1.5, inputs.dense[:, [1]]
    logit = ease + skill * np.array([1.0, -1.0, 0.0, 0.0]) + np.array([-1.0, -1.0, 0.0, 1.0])
    right = 1 / (1 + np.exp(-logit))
    rng = np.random.default_rng(seed + 100)
    quality = (rng.random(right.shape) < right).astype(float)
    return inputs, right, np.where(rng.random(right.shape) < missing, np.nan, quality)


def error(name: str, missing: float = 0.0) -> float:
    inputs, _, quality = drawn(N, 0, missing)
    asked, right, _ = drawn(400, 1)
    said = estimator(name).fit(inputs, quality, weights_of(quality), seed=0).predict(asked)
    return float(((said - right) ** 2).mean())


@pytest.mark.parametrize("name", ["kernel", "mf", "irt", "boosting", "stack"])
@pytest.mark.parametrize("missing", [0.0, 0.7])
def test_signal_is_found_with_and_without_holes(name: str, missing: float) -> None:
    _, right, _ = drawn(400, 1)
    nothing = float(((right - right.mean(axis=0)) ** 2).mean())
    assert error(name, missing) < (0.45 if missing else 0.2) * nothing


def test_axes_are_orthonormal_and_the_first_is_what_all_share() -> None:
    _, _, quality = drawn(N, 0, 0.3)
    axes = Residuals.of(quality, weights_of(quality)).axes
    np.testing.assert_allclose(axes.T @ axes, np.eye(K), atol=1e-9)
    np.testing.assert_allclose(np.abs(axes[:, 0]), 0.5, atol=1e-9)
    assert abs(axes[0, 1] - axes[1, 1]) > 1.0, "then the two that differ most"


def test_filling_holes_comes_to_the_weighted_solution() -> None:
    """With one penalty for all axes the answer is ridge regression on the cells that are there."""
    inputs, _, quality = drawn(N, 0, 0.4)
    weight = weights_of(quality)
    centre = inputs.dense.mean(axis=0)
    residuals = Residuals.of(quality, weight)
    offset, slopes = solve(inputs.dense - centre, residuals, (30.0,))
    said = residuals.means + (inputs.dense - centre) @ residuals.spread(slopes) + residuals.spread(offset)
    # the penalty is on the scale of the largest weight
    scaled = Ridge((30.0 * float(weight.max()),)).fit(inputs, quality, weight, seed=0)
    np.testing.assert_allclose(said, scaled.predict(inputs), atol=1e-3)


def test_a_kernel_sees_what_no_line_does() -> None:
    inputs = inputs_of(N)
    near = np.exp(-(inputs.dense[:, :3] ** 2).sum(axis=1))
    quality = np.stack([near, 1 - near], axis=1)
    asked = inputs_of(200, seed=5)
    true = np.exp(-(asked.dense[:, :3] ** 2).sum(axis=1))

    def found(kind: Kernel | Ridge) -> float:
        said = kind.fit(inputs, quality, weights_of(quality), seed=0).predict(asked)
        return float(np.corrcoef(said[:, 0], true)[0, 1])

    assert found(Kernel(width=0.5)) > 0.7 > 0.3 > found(Ridge())


def test_nobody_does_worse_on_easier_queries() -> None:
    inputs, _, quality = drawn(N, 0)
    fitted = ItemResponse(dimensions=1).fit(inputs, quality, weights_of(quality), seed=0)
    assert isinstance(fitted, FittedLatent)
    assert (fitted.loading >= 0).all()
    ease = inputs.dense @ fitted.project[:, 0]
    assert np.corrcoef(ease, inputs.dense[:, 0])[0, 1] > 0.95


def test_neighbours_keep_quiet_about_noise_and_about_strangers() -> None:
    inputs = inputs_of(N)
    noise = np.random.default_rng(0).integers(0, 2, (N, 3)).astype(float)
    weight = weights_of(noise)
    plain = NearestNeighbours().fit(inputs, noise, weight, seed=0).predict(inputs_of(200, seed=5))
    fitted = GuardedNeighbours().fit(inputs, noise, weight, seed=0)
    assert fitted.predict(inputs_of(200, seed=5)).std() < 0.7 * plain.std()
    mean = noise.mean(axis=0)
    stranger = Inputs(np.zeros((1, 6)), np.zeros(1), np.array([""]))
    np.testing.assert_allclose(fitted.predict(stranger)[0], mean)


def test_neighbours_speak_where_they_agree() -> None:
    inputs = inputs_of(N)
    quality = (inputs.dense[:, :3] > 0).astype(float)
    asked = inputs_of(200, seed=5)
    said = GuardedNeighbours().fit(inputs, quality, weights_of(quality), seed=0).predict(asked)
    for j in range(3):
        assert np.corrcoef(said[:, j], asked.dense[:, j] > 0)[0, 1] > 0.7
