"""Post-hoc estimates refine ex-ante ones (docs/references.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.answers.features import ANSWER_FEATURES, AnswerFeatures, features_of
from penstock.codec import decode, encode
from penstock.errors import BundleError
from penstock.estimators.post_hoc.base import FittedPostHoc
from penstock.estimators.post_hoc.logistic import (
    PostHocLogistic,
    crossfit_logistic,
    fit_logistic,
    predict_all,
)
from penstock.types import Answer, Status, Usage

N, K = 20_000, 2
FOLD = np.arange(N) % 5


def live(model: PostHocLogistic, ex_ante: float, answer: Answer, column: int) -> float:
    """What one answer that has just come is worth."""
    return float(model.estimate(np.array([ex_ante]), [answer], np.array([column]))[0])


def world(telling: float) -> tuple[np.ndarray, AnswerFeatures, np.ndarray]:
    """Calibrated ex-ante estimates, log-probs that tell the rest by ``telling``, and outcomes."""
    rng = np.random.default_rng(0)
    ex_ante = rng.beta(3, 3, (N, K))
    quality = (rng.random((N, K)) < ex_ante).astype(float)
    found = np.zeros((N, K, len(ANSWER_FEATURES)))
    found[..., 0] = 1.0
    found[..., 1] = telling * quality + rng.normal(size=(N, K))
    return ex_ante, AnswerFeatures(found, np.ones((N, K), dtype=bool)), quality


@pytest.mark.parametrize("telling", [0.0, 1.0, 2.5])
def test_post_hoc_regressed_on_ex_ante_has_slope_one(telling: float) -> None:
    """What will be known is expected to be what is known: E[post-hoc | ex-ante] = ex-ante, out of fold."""
    ex_ante, seen, quality = world(telling)
    refined = crossfit_logistic(ex_ante, seen, quality, np.ones((N, K)), FOLD, seed=0)
    for j in range(K):
        slope, intercept = np.polyfit(ex_ante[:, j], refined[:, j], 1)
        assert slope == pytest.approx(1.0, abs=0.06)
        assert intercept == pytest.approx(0.0, abs=0.03)
        slope, intercept = np.polyfit(refined[:, j], quality[:, j], 1)
        assert slope == pytest.approx(1.0, abs=0.06), "and the estimate itself is calibrated"


def test_answers_that_tell_more_are_believed_more() -> None:
    errors = []
    for telling in (0.0, 1.0, 2.5):
        ex_ante, seen, quality = world(telling)
        refined = crossfit_logistic(ex_ante, seen, quality, np.ones((N, K)), FOLD, seed=0)
        errors.append(((refined - quality) ** 2).mean() / ((ex_ante - quality) ** 2).mean())
    assert errors[0] == pytest.approx(1.0, abs=0.02), "silent answers change nothing"
    assert errors[0] > errors[1] + 0.05 > errors[2] + 0.1


def test_a_held_out_row_s_outcome_does_not_reach_its_estimate() -> None:
    ex_ante, seen, quality = world(1.0)
    first = crossfit_logistic(ex_ante, seen, quality, np.ones((N, K)), FOLD, seed=0)
    changed = quality.copy()
    changed[FOLD == 0] = 1 - changed[FOLD == 0]
    again = crossfit_logistic(ex_ante, seen, changed, np.ones((N, K)), FOLD, seed=0)
    np.testing.assert_allclose(first[FOLD == 0], again[FOLD == 0], atol=1e-12)
    assert not np.allclose(first[FOLD == 1], again[FOLD == 1])


def test_a_candidate_that_never_answers_is_worth_nothing_and_harms_nobody() -> None:
    ex_ante, seen, quality = world(1.0)
    answered = seen.answered.copy()
    answered[:, 1] = False
    silent = AnswerFeatures(np.where(answered[..., None], seen.found, 0.0), answered)
    quality = np.where(answered, quality, 0.0)
    model = fit_logistic(ex_ante, silent, quality, np.ones((N, K)), seed=0)
    estimates = predict_all(model, ex_ante, silent)
    assert np.isfinite(estimates).all()
    assert (estimates[:, 1] == 0).all()
    np.testing.assert_allclose(
        model.of_features(np.array([0.2, 0.9]), np.zeros((2, len(ANSWER_FEATURES))), 1), [0.2, 0.9], atol=1e-9
    )


def test_a_live_answer_is_judged_as_a_recorded_one() -> None:
    answer = Answer("a", text="4\nor so", usage=Usage(5, 7), logprobs=(-0.5, -2.0), extracted="4")
    ex_ante, seen, quality = world(1.0)
    model = fit_logistic(ex_ante, seen, quality, np.ones((N, K)), seed=0)
    one = features_of(lambda i, j: answer, 1, K)
    batch = predict_all(model, np.full((1, K), 0.4), one)
    assert live(model, 0.4, answer, 1) == pytest.approx(batch[0, 1], abs=1e-12)
    again = decode(FittedPostHoc, *encode(model))
    assert live(again, 0.4, answer, 1) == live(model, 0.4, answer, 1)


@pytest.mark.parametrize("status", [Status.REFUSED, Status.FAILED, Status.MISSING])
def test_only_answers_count(status: Status) -> None:
    ex_ante, all_seen, quality = world(1.0)
    model = fit_logistic(ex_ante, all_seen, quality, np.ones((N, K)), seed=0)
    assert live(model, 0.9, Answer("a", status=status), 0) == 0.0


def fitted(count: int) -> PostHocLogistic:
    rng = np.random.default_rng(0)
    return PostHocLogistic(
        intercept=np.zeros(1),
        coefficients=rng.normal(size=(1 + count, 1)),
        mean=np.zeros((1, count)),
        scale=np.ones((1, count)),
        information_share=np.zeros(1),
        features=ANSWER_FEATURES[:count],
    )


def test_a_bundle_of_fewer_signs_reads_those_it_knew() -> None:
    old = fitted(10)
    settings, arrays = encode(old)
    assert settings["features"] == list(ANSWER_FEATURES[:10])
    again = decode(FittedPostHoc, settings, arrays)
    answer = Answer("a", text="I think it is 4.", confidence=0.4)
    padded = replace(
        fitted(len(ANSWER_FEATURES)),
        coefficients=np.concatenate([old.coefficients, np.zeros((len(ANSWER_FEATURES) - 10, 1))]),
    )
    assert live(again, 0.3, answer, 0) == pytest.approx(live(padded, 0.3, answer, 0))


def test_a_bundle_of_unknown_signs_is_refused() -> None:
    settings, arrays = encode(fitted(len(ANSWER_FEATURES)))
    with pytest.raises(BundleError, match="mood"):
        decode(FittedPostHoc, {**settings, "features": [*settings["features"][:-1], "mood"]}, arrays)
