"""Trees as arrays say what the model they came from says."""

from __future__ import annotations

import numpy as np

from penstock.estimators.ex_ante.boosting import Boosting, FittedBoosting, _Bins
from penstock.estimators.ex_ante.trees import Trees
from penstock.testing.estimators import inputs_of, weights_of


def test_they_predict_what_scikit_learn_predicts() -> None:
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(400, 5)), 1)  # ties on purpose
    y = np.sin(x[:, 0]) + (x[:, 1] > 0) * x[:, 2]
    bins = _Bins.of(x)
    model = Boosting()._model(0).set_params(max_iter=30).fit(bins.code, y)
    trees = Trees.of(model, bins.cuts)
    np.testing.assert_allclose(trees.predict(x), model.predict(bins.code), atol=1e-12)
    np.testing.assert_allclose(trees.staged(x)[-1], trees.predict(x), atol=1e-12)
    again = Trees.of_arrays(trees.arrays())
    np.testing.assert_array_equal(again.predict(x), trees.predict(x))


def test_none_is_nothing() -> None:
    assert Trees.none().predict(np.ones((3, 2))).tolist() == [0.0, 0.0, 0.0]
    assert Trees.none().staged(np.ones((3, 2))).tolist() == [[0.0, 0.0, 0.0]]


def test_a_step_is_found_that_no_line_shows() -> None:
    inputs = inputs_of(600)
    quality = np.stack([(np.abs(inputs.dense[:, 0]) > 0.7) * 1.0, np.full(600, 0.5)], axis=1)
    fitted = Boosting().fit(inputs, quality, weights_of(quality), seed=0)
    asked = inputs_of(300, seed=9)
    truth = (np.abs(asked.dense[:, 0]) > 0.7) * 1.0
    said = fitted.predict(asked)
    assert np.corrcoef(said[:, 0], truth)[0, 1] > 0.9
    np.testing.assert_allclose(said[:, 1], 0.5, atol=0.1)


def test_noise_grows_few_trees() -> None:
    inputs = inputs_of(400)
    quality = np.random.default_rng(1).integers(0, 2, (400, 3)).astype(float)
    fitted = Boosting().fit(inputs, quality, weights_of(quality), seed=0)
    assert isinstance(fitted, FittedBoosting)
    assert np.abs(fitted.predict(inputs) - quality.mean(axis=0)).max() < 0.2
