"""A verifier learns from answers' words, on rows it has not seen, or there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.answers.features import VERIFICATION, features_of
from penstock.answers.hashed_text import HashedText
from penstock.codec import decode, encode
from penstock.estimators.post_hoc import text_verifier as module
from penstock.estimators.post_hoc.base import FittedPostHoc
from penstock.estimators.post_hoc.logistic import (
    crossfit_logistic,
    fit_logistic,
    predict_all,
)
from penstock.estimators.post_hoc.text_verifier import TextVerifier, fit_text_verifier
from penstock.types import Answer, FloatArray, Status

N, K = 400, 2
FOLD = np.arange(N) % 5
FILLER = ["train", "leaves", "noon", "river", "runs", "old", "mill", "nobody", "lives", "there", "now"]


def world(telling: float = 1.0) -> tuple[FloatArray, list[list[str]], FloatArray]:
    """Ex-ante estimates of a half, answers of random words in which a wrong one says "carry over" with
    probability ``telling``, and outcomes."""
    rng = np.random.default_rng(0)
    quality = (rng.random((N, K)) < 0.5).astype(float)
    tells = (quality == 0) & (rng.random((N, K)) < telling)
    ends = (" so it stays even", " so we carry over")  # of one length, so that no other sign tells them apart
    texts = [[" ".join(rng.permutation(FILLER)) + ends[int(tells[i, j])] for j in range(K)] for i in range(N)]
    return np.full((N, K), 0.5), texts, quality


def wording(texts: list[list[str]]) -> HashedText:
    return HashedText.of(text for row in texts for text in row)


def fitted(telling: float = 1.0) -> tuple[TextVerifier, FloatArray]:
    ex_ante, texts, quality = world(telling)
    found = fit_text_verifier(ex_ante, wording(texts), quality, np.ones((N, K)), FOLD, seed=0)
    assert found is not None
    return found


def test_words_of_wrong_answers_are_learned() -> None:
    quality = world()[2]
    verifier, score = fitted()
    assert score[quality == 1].min() > 0 > score[quality == 0].max()
    slip, sound = (
        verifier.score_text(f"the mill runs {end}", 0) for end in ("so we carry over", "so it stays even")
    )
    assert slip < sound - 3


def test_a_word_that_is_a_hint_only_moves_less() -> None:
    spread = [fitted(telling)[1].std() for telling in (0.2, 0.6, 1.0)]
    assert spread[0] < spread[1] < spread[2]


def test_words_that_say_nothing_are_left_unread() -> None:
    ex_ante, texts, _ = world(telling=0.0)
    quality = (np.random.default_rng(5).random((N, K)) < 0.5).astype(float)
    assert fit_text_verifier(ex_ante, wording(texts), quality, np.ones((N, K)), FOLD, seed=0) is None


def test_without_words_there_is_no_verifier() -> None:
    silent = wording([["", ""]] * N)
    assert fit_text_verifier(np.full((N, K), 0.5), silent, world()[2], np.ones((N, K)), FOLD, seed=0) is None


def test_a_held_out_row_s_outcome_does_not_reach_its_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PENALTIES", (3.0,))  # which one is chosen does go by every outcome
    ex_ante, texts, quality = world()
    changed = np.where((FOLD == 2)[:, None], 1.0 - quality, quality)
    first, again = (
        fit_text_verifier(ex_ante, wording(texts), q, np.ones((N, K)), FOLD, seed=0)
        for q in (quality, changed)
    )
    assert first is not None
    assert again is not None
    np.testing.assert_allclose(again[1][FOLD == 2], first[1][FOLD == 2], atol=1e-9)
    assert np.abs(again[1] - first[1])[FOLD != 2].max() > 0.1, "and it does reach the others"


def test_cells_without_weight_say_nothing_and_inputs_stay_as_they_are() -> None:
    ex_ante, texts, quality = world()
    weight = np.ones((N, K))
    weight[::3, 0] = 0.0
    missing = np.where(weight > 0, quality, np.nan)
    wrong = np.where(weight > 0, quality, 1.0 - quality)
    kept = [a.copy() for a in (ex_ante, missing, weight)]
    first, again = (
        fit_text_verifier(ex_ante, wording(texts), q, weight, FOLD, seed=0) for q in (missing, wrong)
    )
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first[1], again[1])
    np.testing.assert_array_equal(first[0].words, again[0].words)
    for before, after in zip(kept, (ex_ante, missing, weight), strict=True):
        np.testing.assert_array_equal(before, after)


def test_of_many_answers_some_are_drawn_by_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENTRIES", 6_000)
    one, same = fitted(0.6), fitted(0.6)
    np.testing.assert_array_equal(one[1], same[1])
    ex_ante, texts, quality = world(0.6)
    other = fit_text_verifier(ex_ante, wording(texts), quality, np.ones((N, K)), FOLD, seed=1)
    assert other is not None
    assert np.abs(other[1] - one[1]).max() > 1e-3


def test_a_live_answer_is_read_as_a_recorded_one_and_so_after_a_round_trip() -> None:
    ex_ante, texts, quality = world()
    recorded = [[Answer("a", text=text) for text in row] for row in texts]
    recorded[5][1] = Answer("b", status=Status.REFUSED, text="so we carry over")
    seen = features_of(lambda i, j: recorded[i][j], N, K)
    assert seen.text is not None
    verifier, score = fitted()
    model = fit_logistic(ex_ante, seen.with_verification(score), quality, np.ones((N, K)), seed=0)
    model = decode(FittedPostHoc, *encode(replace(model, verifier=verifier)))
    batch = predict_all(model, ex_ante, seen)
    for i, j in ((0, 0), (7, 1), (5, 1)):
        live = model.estimate(np.array([0.5]), [recorded[i][j]], np.array([j]))
        assert live == pytest.approx([batch[i, j]], abs=1e-12)
    assert batch[5, 1] == 0.0, "a refusal is worth nothing, whatever it says"
    others = np.arange(N) != 5
    assert batch[others][quality[others] == 1].min() > batch[others][quality[others] == 0].max()


def test_what_was_read_is_one_sign_among_others() -> None:
    ex_ante, texts, quality = world(0.6)
    seen = features_of(lambda i, j: Answer("a", text=texts[i][j]), N, K)
    plain = crossfit_logistic(ex_ante, seen, quality, np.ones((N, K)), FOLD, seed=0)
    read = crossfit_logistic(
        ex_ante, seen.with_verification(fitted(0.6)[1]), quality, np.ones((N, K)), FOLD, seed=0
    )
    assert VERIFICATION == "wording", "as bundles hold it"
    assert ((read - quality) ** 2).mean() < 0.9 * ((plain - quality) ** 2).mean()
