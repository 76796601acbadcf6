"""Cross-fitting: a row's own outcome never reaches its prediction."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from penstock.estimators.base import Fitted
from penstock.estimators.crossfit import cell_weights, crossfit
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.features import Inputs
from penstock.registry import names
from penstock.testing.estimators import inputs_of, outcomes_of, weights_of
from penstock.types import FloatArray

N = 200


@dataclass(frozen=True)
class Recalled(Fitted):
    known: dict[float, FloatArray]
    mean: FloatArray

    def predict(self, inputs: Inputs) -> FloatArray:
        return np.array([self.known.get(key, self.mean) for key in inputs.length.tolist()])


@dataclass(frozen=True)
class Memory:
    """Knows every row it has seen by heart, and nothing else."""

    seen: list[set[float]] = field(default_factory=list)
    name: str = "memory"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Recalled:
        keys = inputs.length.tolist()
        self.seen.append(set(keys))
        return Recalled(dict(zip(keys, quality, strict=True)), quality.mean(axis=0))


def skill(predicted: FloatArray, quality: FloatArray) -> float:
    return 1 - float(((predicted - quality) ** 2).mean() / ((quality - quality.mean(axis=0)) ** 2).mean())


def noise() -> tuple[Inputs, FloatArray]:
    """Qualities that nothing predicts; every row's ``length`` is its name."""
    rng = np.random.default_rng(0)
    inputs = inputs_of(N)
    named = Inputs(inputs.dense, np.arange(N, dtype=float), inputs.task)
    return named, rng.integers(0, 2, (N, 3)).astype(float)


def test_memory_has_no_skill_out_of_fold() -> None:
    inputs, quality = noise()
    fold, memory = np.arange(N) % 5, Memory()
    predicted = crossfit(memory, inputs, quality, weights_of(quality), fold, seed=0)
    assert np.isfinite(predicted).all()
    assert skill(predicted, quality) <= 0.0
    for f, seen in enumerate(memory.seen):
        assert seen == set(np.flatnonzero(fold != f).astype(float).tolist())


def test_a_planted_leak_would_be_seen() -> None:
    """The same measure catches a fit that did see the row."""
    inputs, quality = noise()
    leaked = Memory().fit(inputs, quality, weights_of(quality), seed=0).predict(inputs)
    assert skill(leaked, quality) == pytest.approx(1.0)


@pytest.mark.parametrize("name", names("estimator"))
def test_a_row_s_outcome_does_not_move_its_own_prediction(name: str) -> None:
    inputs = inputs_of()
    quality = outcomes_of(inputs)
    fold = np.arange(len(inputs)) % 3
    first = crossfit(estimator(name), inputs, quality, weights_of(quality), fold, seed=0)
    changed = quality.copy()
    changed[4] = 1 - changed[4]
    again = crossfit(estimator(name), inputs, changed, weights_of(changed), fold, seed=0)
    same_fold = fold == fold[4]
    np.testing.assert_allclose(first[same_fold], again[same_fold], atol=1e-9)
    assert not np.allclose(first[~same_fold], again[~same_fold], atol=1e-9), "it moves the others'"


@pytest.mark.parametrize("name", ["ridge", "logistic", "knn", "kmeans"])
def test_signal_is_found_out_of_fold(name: str) -> None:
    inputs = inputs_of(300)
    quality = outcomes_of(inputs)
    predicted = crossfit(estimator(name), inputs, quality, weights_of(quality), np.arange(300) % 5, seed=0)
    assert skill(predicted, quality) > 0.1


def test_weights_are_inverse_propensities_of_observed_cells() -> None:
    quality = np.array([[1.0, 0.0], [0.0, np.nan], [1.0, 1.0]])
    propensity = np.array([[0.5, 1.0], [1.0, np.nan], [0.25, 1.0]])
    weight = cell_weights(quality, propensity)
    np.testing.assert_allclose(weight[:, 0], np.array([2.0, 1.0, 4.0]) * 3 / 7)
    np.testing.assert_allclose(weight[:, 1], [1.0, 0.0, 1.0])


def test_one_rare_cell_does_not_decide_a_fit() -> None:
    quality, propensity = np.ones((100, 1)), np.ones((100, 1))
    propensity[0] = 1e-6
    weight = cell_weights(quality, propensity)
    assert weight.mean() == pytest.approx(1.0)
    assert weight[0, 0] / weight[1, 0] == pytest.approx(20.0)


def test_weighting_by_propensity_removes_the_logging_policy_s_choice() -> None:
    """A logging policy that asked the candidate mostly where it succeeds would flatter it."""
    rng = np.random.default_rng(0)
    quality = (rng.random((20_000, 1)) < 0.5).astype(float)
    propensity = np.where(quality == 1, 0.9, 0.3)
    observed = np.where(rng.random(quality.shape) < propensity, quality, np.nan)
    weight = cell_weights(observed, np.where(np.isnan(observed), np.nan, propensity))
    assert np.nanmean(observed) > 0.7
    inputs = inputs_of(20_000)
    predicted = estimator("mean").fit(inputs, observed, weight, seed=0).predict(inputs.rows(np.array([0])))
    assert predicted[0, 0] == pytest.approx(0.5, abs=0.02)
