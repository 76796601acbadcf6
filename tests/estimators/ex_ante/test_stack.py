"""Stacking: who is trusted with what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.estimators.base import Fitted
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.ex_ante.mean import CandidateMean
from penstock.estimators.ex_ante.stack import FittedStack, Stack, stacking_weights
from penstock.estimators.features import Inputs
from penstock.testing.estimators import inputs_of, outcomes_of, weights_of
from penstock.types import FloatArray

N, K = 600, 4


@dataclass(frozen=True)
class Noise(Fitted):
    """Says something about every query that has nothing to do with it."""

    name: str = "noise"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Noise:
        return self

    def predict(self, inputs: Inputs) -> FloatArray:
        return 0.5 + 0.3 * np.sin(1e4 * inputs.dense[:, :3])


def test_a_member_that_knows_gets_the_weight() -> None:
    inputs = inputs_of(N)
    quality = outcomes_of(inputs)
    fitted = Stack(members=(Ridge(), Noise())).fit(inputs, quality, weights_of(quality), seed=0)
    assert isinstance(fitted, FittedStack)
    assert (fitted.weights[:, 0] > 0.7).all()
    assert (fitted.weights[:, 1] < 0.2).all()


def test_the_parts_are_weighted_apart() -> None:
    """One member knows how hard a query is, the other who does best on it."""
    rng = np.random.default_rng(0)
    hard, best = rng.normal(size=(N, 1)), rng.normal(size=(N, K))
    best -= best.mean(axis=1, keepdims=True)
    quality = hard + best
    held = [hard + rng.normal(size=(N, K)), 3 * rng.normal(size=(N, 1)) + best]
    weights = stacking_weights(held, quality, np.ones((N, K)), np.zeros(K), 0.01)
    assert weights[0, 0] > 0.7
    assert weights[0, 1] < 0.2
    assert weights[1, 1] > 0.9
    assert weights[1, 0] < 0.2


def test_weights_are_pulled_towards_equal_ones() -> None:
    inputs = inputs_of(N)
    quality = outcomes_of(inputs)
    held = [quality, np.random.default_rng(0).random(quality.shape)]
    means = quality.mean(axis=0)
    pulled = stacking_weights(held, quality, weights_of(quality), means, 1e6)
    np.testing.assert_allclose(pulled, 0.5, atol=1e-3)


def test_weights_are_never_negative() -> None:
    rng = np.random.default_rng(0)
    quality = rng.random((N, K))
    held = [1 - quality, rng.random((N, K))]
    weights = stacking_weights(held, quality, np.ones((N, K)), quality.mean(axis=0), 0.0)
    assert (weights >= 0).all()
    assert weights[0, 0] == weights[1, 0] == 0.0


def test_members_that_say_the_mean_add_nothing() -> None:
    inputs = inputs_of(N)
    quality = outcomes_of(inputs)
    fitted = Stack(members=(CandidateMean(),)).fit(inputs, quality, weights_of(quality), seed=0)
    np.testing.assert_allclose(fitted.predict(inputs), np.broadcast_to(quality.mean(axis=0), quality.shape))


def test_settings_that_cannot_be_are_refused() -> None:
    for wrong in ({"members": ()}, {"folds": 1}):
        with pytest.raises(InputError, match="at least one member and two folds"):
            Stack(**wrong)  # type: ignore[arg-type]
