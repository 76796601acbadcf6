"""A text model's scores as an estimate: the contract, the way through a bundle, what it does to routing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from penstock.codec import decode, encode
from penstock.errors import BundleError
from penstock.estimators.base import Estimator, Fitted
from penstock.estimators.ex_ante.encoder import (
    EncoderScores,
    ScoredInputs,
    ScoringEncoder,
    TextModel,
)
from penstock.estimators.features import Encoder, fit_encoder
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import router_of
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.targets import Target
from penstock.testing.estimators import EstimatorContract, inputs_of, outcomes_of, weights_of
from penstock.testing.tables import tiny_matrix
from penstock.types import FloatArray, Query

EITHER = Encoder | ScoringEncoder


class Counting:
    """A text model that scores a prompt by how much of it are given words."""

    def __init__(self, words: Sequence[str] = ("sum", "carry")) -> None:
        self.words, self.asked = tuple(words), 0

    def scores(self, prompts: Sequence[str]) -> FloatArray:
        self.asked += len(prompts)
        share = [[p.split().count(w) / max(1, len(p.split())) for w in self.words] for p in prompts]
        return np.array(share).reshape(len(prompts), len(self.words))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return {"words": list(self.words)}, {"weights": np.ones(3)}


def reopened(settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Counting:
    assert arrays["weights"].tolist() == [1.0, 1.0, 1.0]
    return Counting(settings["words"])


class TestContract(EstimatorContract):
    """Inputs without scores: every candidate's mean."""

    @pytest.fixture
    def estimator(self) -> Estimator:
        return EncoderScores()


def scored(n: int, *, seed: int = 0) -> ScoredInputs:
    """Inputs whose scores follow the features that qualities follow."""
    inputs = inputs_of(n, seed=seed)
    scores = 1 / (1 + np.exp(-2 * inputs.dense[:, :2]))
    return ScoredInputs(inputs.dense, inputs.length, inputs.task, scores=scores)


def test_scores_become_expected_quality() -> None:
    inputs = scored(800)
    quality = (np.random.default_rng(1).random((800, 2)) < inputs.scores).astype(float)
    fitted = EncoderScores().fit(inputs, quality, weights_of(quality), seed=0)
    asked = scored(400, seed=2)
    predicted = fitted.predict(asked)
    np.testing.assert_allclose(predicted, asked.scores, atol=0.12)
    again = decode(Fitted, *encode(fitted))
    np.testing.assert_array_equal(again.predict(asked), predicted)


def test_scores_are_a_threshold_with_two_candidates() -> None:
    """One score and constant prices: what is routed to the weaker is what scores above some threshold."""
    inputs = scored(300)
    one = ScoredInputs(inputs.dense, inputs.length, inputs.task, scores=inputs.scores[:, :1])
    rng = np.random.default_rng(0)
    small = (rng.random(300) < one.scores[:, 0]).astype(float)
    quality = np.column_stack([small, np.full(300, 0.9)])
    predicted = EncoderScores().fit(one, quality, weights_of(quality), seed=0).predict(one)
    gain = predicted[:, 0] - predicted[:, 1]
    assert (np.diff(gain[np.argsort(one.scores[:, 0])]) >= -1e-12).all()


def test_extreme_scores_are_finite() -> None:
    inputs = scored(50)
    edge = ScoredInputs(inputs.dense, inputs.length, inputs.task, scores=(inputs.scores > 0.5).astype(float))
    quality = outcomes_of(inputs)[:, :2]
    assert np.isfinite(EncoderScores().fit(edge, quality, weights_of(quality), seed=0).predict(edge)).all()


def test_rows_keep_their_scores() -> None:
    inputs = scored(20)
    some = inputs.rows(np.array([3, 1]))
    np.testing.assert_array_equal(some.scores, inputs.scores[[3, 1]])
    np.testing.assert_array_equal(some.dense, inputs.dense[[3, 1]])


def test_an_encoder_carries_its_model_and_needs_it_opened() -> None:
    queries = [Query.from_prompt(str(i), f"sum of {i} and carry {i}") for i in range(8)]
    plain = fit_encoder(queries, directions=4)
    assert type(decode(EITHER, *encode(plain))) is Encoder
    scoring = ScoringEncoder.over(plain, Counting())
    with pytest.raises(BundleError, match="a model that reads prompts"):
        decode(EITHER, *encode(scoring))
    again = decode(EITHER, *encode(scoring), {TextModel: reopened})
    first, second = scoring.encode(queries), again.encode(queries)
    assert isinstance(second, ScoredInputs)
    np.testing.assert_array_equal(first.scores, second.scores)


@pytest.fixture(scope="module")
def grid() -> OutcomeMatrix:
    return tiny_matrix(300, seed=4)


def test_a_router_with_a_text_model_is_saved_and_opened_again(grid: OutcomeMatrix, tmp_path: Path) -> None:
    topics = sorted({w for q in grid.queries for w in q.prompt.split()})
    model = Counting(topics)
    fit = fit_matrix(grid, FitSettings(estimators=("mean",), policies=("routing",)), text_model=model)
    assert model.asked == len(grid), "each prompt is read once"
    assert "routing/encoder" in fit.options
    assert fit.options["routing/encoder"].auc > fit.options["mix/mean"].auc
    router = router_of(fit, Target.parse("quality=0.9"), seed=0, provenance={})
    save_bundle(router, tmp_path / "r.penstock")
    with pytest.raises(BundleError, match="a model that reads prompts"):
        load_bundle(tmp_path / "r.penstock")
    again = load_bundle(tmp_path / "r.penstock", open_model=reopened)
    queries = tiny_matrix(30, seed=5).queries
    np.testing.assert_allclose(again.begin(queries).quality, router.begin(queries).quality, atol=2e-3)
