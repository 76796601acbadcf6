"""The contract every ex-ante estimator keeps: subclass ``EstimatorContract`` and give its fixture.

::

    class TestMine(EstimatorContract):
        @pytest.fixture
        def estimator(self):
            return MyEstimator(...)
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from penstock import codec
from penstock.estimators.base import Estimator, Fitted
from penstock.estimators.crossfit import cell_weights
from penstock.estimators.features import Inputs
from penstock.types import FloatArray

N, K, D = 90, 3, 6


def inputs_of(n: int = N, *, seed: int = 0) -> Inputs:
    """Seeded features of n queries of three tasks."""
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, D))
    task = np.array(["a", "b", "c"], dtype=np.str_)[rng.integers(3, size=n)]
    return Inputs(dense, rng.uniform(2, 6, size=n), task)


def outcomes_of(inputs: Inputs, *, seed: int = 0, k: int = K, missing: float = 0.0) -> FloatArray:
    """(n, k) qualities that follow the features; NaN where missing."""
    rng = np.random.default_rng(seed + 1000)
    logit = inputs.dense @ rng.normal(size=(D, k)) + rng.normal(size=k)
    quality = (rng.random(logit.shape) < 1 / (1 + np.exp(-logit))).astype(np.float64)
    return np.where(rng.random(logit.shape) < missing, np.nan, quality)


def weights_of(quality: FloatArray) -> FloatArray:
    """(n, k) weights of observed cells, all observed for sure."""
    return cell_weights(quality, np.ones_like(quality))


class EstimatorContract:
    """What every estimator does."""

    @pytest.fixture
    def estimator(self) -> Estimator:
        """The estimator's settings."""
        raise NotImplementedError("give the estimator under test as a fixture")

    def fitted(self, estimator: Estimator, quality: FloatArray | None = None, *, seed: int = 0) -> Fitted:
        """Fitted on ``quality`` (default: complete outcomes)."""
        inputs = inputs_of()
        known = outcomes_of(inputs) if quality is None else quality
        return estimator.fit(inputs, known, weights_of(known), seed=seed)

    def test_predictions_are_finite_and_of_the_right_shape(self, estimator: Estimator) -> None:
        fitted = self.fitted(estimator)
        for n in (1, 7, N):
            predicted = fitted.predict(inputs_of(n, seed=5))
            assert predicted.shape == (n, K)
            assert np.isfinite(predicted).all()

    def test_inputs_and_settings_are_not_changed(self, estimator: Estimator) -> None:
        inputs = inputs_of()
        quality = outcomes_of(inputs, missing=0.2)
        weight = weights_of(quality)
        arrays = (inputs.dense, inputs.length, inputs.task, quality, weight)
        before, settings = [np.copy(a) for a in arrays], repr(estimator)
        estimator.fit(inputs, quality, weight, seed=3).predict(inputs)
        for old, new in zip(before, arrays, strict=True):
            np.testing.assert_array_equal(old, new)
        assert repr(estimator) == settings

    def test_a_copy_of_the_settings_is_equal_and_fits_alike(self, estimator: Estimator) -> None:
        copy = dataclasses.replace(estimator)  # type: ignore[type-var]
        assert copy == estimator
        assert copy is not estimator
        assert hash(copy) == hash(estimator)
        assert estimator.name
        asked = inputs_of(20, seed=5)
        first, again = (self.fitted(one, seed=2).predict(asked) for one in (estimator, copy))
        np.testing.assert_allclose(first, again, rtol=0, atol=1e-9)

    def test_fitting_again_forgets_what_was_fitted_before(self, estimator: Estimator) -> None:
        asked = inputs_of(20, seed=5)
        first = self.fitted(estimator, seed=1).predict(asked)
        self.fitted(estimator, 1.0 - outcomes_of(inputs_of()), seed=1)
        again = self.fitted(estimator, seed=1).predict(asked)
        np.testing.assert_allclose(first, again, rtol=0, atol=1e-9)

    def test_the_same_seed_gives_the_same_fit(self, estimator: Estimator) -> None:
        first, again = (self.fitted(estimator, seed=7).predict(inputs_of(20, seed=5)) for _ in range(2))
        np.testing.assert_allclose(first, again, rtol=0, atol=1e-9)

    def test_it_is_restored_from_its_state(self, estimator: Estimator) -> None:
        fitted, asked = self.fitted(estimator), inputs_of(20, seed=5)
        settings, arrays = codec.encode(fitted)
        plain = json.loads(json.dumps(settings, allow_nan=False))
        again = codec.decode(Fitted, plain, _copied(arrays))
        assert type(again) is type(fitted)
        np.testing.assert_array_equal(again.predict(asked), fitted.predict(asked))

    def test_one_row_is_predicted_as_in_a_batch(self, estimator: Estimator) -> None:
        fitted, asked = self.fitted(estimator), inputs_of(20, seed=5)
        alone = [fitted.predict(asked.rows(np.array([i]))) for i in range(20)]
        np.testing.assert_allclose(np.concatenate(alone), fitted.predict(asked), rtol=0, atol=1e-6)

    def test_a_missing_cell_s_value_is_never_read(self, estimator: Estimator) -> None:
        inputs = inputs_of()
        quality = outcomes_of(inputs, missing=0.3)
        weight, hole = weights_of(quality), np.isnan(quality)
        asked = inputs_of(20, seed=5)
        empty = estimator.fit(inputs, quality, weight, seed=0).predict(asked)
        full = estimator.fit(inputs, np.where(hole, 1.0, quality), weight, seed=0).predict(asked)
        assert np.isfinite(empty).all()
        np.testing.assert_allclose(empty, full, rtol=0, atol=1e-9)

    def test_a_candidate_never_observed_harms_nobody(self, estimator: Estimator) -> None:
        inputs = inputs_of()
        quality = outcomes_of(inputs)
        unseen = quality.copy()
        unseen[:, 1] = np.nan
        predicted = self.fitted(estimator, unseen).predict(inputs_of(20, seed=5))
        assert np.isfinite(predicted).all()
        np.testing.assert_allclose(predicted[:, 1], 0.5, atol=1e-6)

    def test_one_candidate(self, estimator: Estimator) -> None:
        predicted = self.fitted(estimator, outcomes_of(inputs_of(), k=1)).predict(inputs_of(20, seed=5))
        assert predicted.shape == (20, 1)
        assert np.isfinite(predicted).all()

    @pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
    def test_constant_quality_is_predicted(self, estimator: Estimator, level: float) -> None:
        predicted = self.fitted(estimator, np.full((N, K), level)).predict(inputs_of(20, seed=5))
        np.testing.assert_allclose(predicted, level, atol=0.02)

    def test_features_that_say_nothing_give_the_mean(self, estimator: Estimator) -> None:
        inputs = inputs_of()
        flat = Inputs(np.zeros_like(inputs.dense), np.zeros(N), np.full(N, "", dtype="<U1"))
        quality = outcomes_of(inputs)
        predicted = estimator.fit(flat, quality, weights_of(quality), seed=0).predict(flat)
        np.testing.assert_allclose(predicted, np.broadcast_to(quality.mean(axis=0), (N, K)), atol=0.01)


def _copied(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {key: np.array(value) for key, value in arrays.items()}
