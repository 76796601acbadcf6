"""Estimators along what candidates share and how they differ: kernel, factorisation, stack."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.estimators.ex_ante.kernel import Kernel
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.features import Inputs
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


@pytest.mark.parametrize("name", ["kernel", "mf", "stack"])
@pytest.mark.parametrize("missing", [0.0, 0.7])
def test_signal_is_found_with_and_without_holes(name: str, missing: float) -> None:
    _, right, _ = drawn(400, 1)
    nothing = float(((right - right.mean(axis=0)) ** 2).mean())
    assert error(name, missing) < (0.45 if missing else 0.2) * nothing


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
