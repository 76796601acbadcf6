"""Calibration on rows of its own."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.estimators.ex_ante.calibrated import Calibrated
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.features import Inputs
from penstock.testing.estimators import inputs_of, weights_of
from penstock.types import FloatArray


def bent(n: int, seed: int) -> tuple[Inputs, FloatArray, FloatArray]:
    """Inputs, the probabilities they come from (a cube: far from linear), and outcomes."""
    inputs = inputs_of(n, seed=seed)
    uniform = (np.tanh(inputs.dense[:, 0]) + 1) / 2
    right = np.stack([uniform**3, 1 - uniform**3], axis=1)
    drawn = np.random.default_rng(seed).random(right.shape) < right
    return inputs, right, drawn.astype(float)


def miscalibration(said: FloatArray, right: FloatArray) -> float:
    """Mean distance between ten bins' mean estimate and mean truth."""
    order = np.argsort(said, kind="stable")
    bins = np.array_split(order, 10)
    return float(np.mean([abs(said[b].mean() - right[b].mean()) for b in bins]))


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_estimates_become_probabilities(method: str) -> None:
    inputs, _, quality = bent(4_000, 0)
    asked, right, _ = bent(2_000, 1)
    plain = Ridge().fit(inputs, quality, weights_of(quality), seed=0).predict(asked)
    fitted = estimator(f"ridge+{method}").fit(inputs, quality, weights_of(quality), seed=0)
    said = fitted.predict(asked)
    for j in range(2):
        assert miscalibration(said[:, j], right[:, j]) < 0.6 * miscalibration(plain[:, j], right[:, j])
        assert (np.diff(said[np.argsort(plain[:, j]), j]) > -0.05).mean() > 0.95, "its order stays"


def test_the_level_comes_from_all_rows() -> None:
    inputs, _, quality = bent(400, 0)
    fitted = Calibrated(Ridge(), "isotonic").fit(inputs, quality, weights_of(quality), seed=0)
    np.testing.assert_allclose(fitted.predict(inputs).mean(axis=0), quality.mean(axis=0), atol=0.03)


def test_calibration_rows_are_not_fitted_on() -> None:
    """What the member is fitted on and what it is calibrated on are disjoint, block by block."""
    seen: list[Inputs] = []

    class Spy(Ridge):
        def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int):  # type: ignore[no-untyped-def]
            seen.append(inputs)
            return super().fit(inputs, quality, weight, seed=seed)

    plain, _, quality = bent(300, 0)
    inputs = Inputs(plain.dense, plain.length, plain.task, np.arange(300) // 3)
    Calibrated(Spy(), "platt", 0.25).fit(inputs, quality, weights_of(quality), seed=0)
    (fitted_on,) = seen
    assert fitted_on.block is not None
    blocks, counts = np.unique(fitted_on.block, return_counts=True)
    assert (counts == 3).all(), "no block is cut"
    assert len(blocks) == 75


def test_what_it_cannot_be_is_said() -> None:
    with pytest.raises(InputError, match="isotonic, platt"):
        estimator("ridge+sigmoid")
    with pytest.raises(InputError, match="no estimator"):
        estimator("rigde+platt")
    with pytest.raises(InputError, match="at most"):
        Calibrated(Ridge(), "platt", 0.9)
