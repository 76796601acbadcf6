"""What is seen of an answer."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.answers.arithmetic import ARITHMETIC_FEATURES, arithmetic_features
from penstock.answers.features import ANSWER_FEATURES, answer_features, features_of
from penstock.types import Answer, Status, Usage


def test_signs_of_an_answer() -> None:
    found = dict(
        zip(
            ANSWER_FEATURES,
            answer_features(
                Answer("a", text="ab\nc", usage=Usage(1, 3), logprobs=(-1.0, -3.0), finish_reason="length")
            ).tolist(),
            strict=True,
        )
    )
    assert found["has_logprobs"] == 1.0
    assert found["mean_logprob"] == -2.0
    assert found["min_logprob"] == -3.0
    assert found["sum_logprob"] == -0.04
    assert found["log_tokens"] == pytest.approx(np.log(4))
    assert (found["has_final_answer"], found["cut_off"]) == (1.0, 1.0)
    assert (found["confidence"], found["has_confidence"]) == (0.0, 0.0)
    assert not answer_features(Answer("a")).any()


def test_a_confidence_of_nothing_differs_from_none() -> None:
    names = list(ANSWER_FEATURES)
    said, silent = answer_features(Answer("a", confidence=0.0)), answer_features(Answer("a"))
    assert (said[names.index("has_confidence")], silent[names.index("has_confidence")]) == (1.0, 0.0)


def test_what_a_scorer_extracted_is_no_sign_where_there_is_text() -> None:
    text = "There is much to be said about all of this, and little of it is any use to anybody in the end."
    np.testing.assert_array_equal(
        answer_features(Answer("a", text=text)), answer_features(Answer("a", text=text, extracted="4"))
    )


def test_the_signs_stand_among_an_answers_signals() -> None:
    found = dict(zip(ANSWER_FEATURES, answer_features(Answer("a", text="12 * 7 = 74")).tolist(), strict=True))
    assert {name: found[name] for name in ARITHMETIC_FEATURES} == dict(
        zip(ARITHMETIC_FEATURES, arithmetic_features("12 * 7 = 74").tolist(), strict=True)
    )


@pytest.mark.parametrize("status", [Status.REFUSED, Status.FAILED, Status.MISSING])
def test_only_answers_count(status: Status) -> None:
    seen = features_of(lambda i, j: Answer("a", text="x", status=status), 2, 1)
    assert not seen.answered.any()
    assert not seen.informative


def test_the_share_of_a_vote_is_a_sign_and_others_say_nothing() -> None:
    answer = Answer("a", "4", confidence=0.7)
    assert dict(zip(ANSWER_FEATURES, answer_features(answer), strict=True))["confidence"] == 0.7
    seen = features_of(lambda i, j: Answer("a", "4", confidence=0.1 * (i + 1) if j == 1 else None), 4, 3)
    assert np.isnan(seen.confidence[:, [0, 2]]).all()
    np.testing.assert_allclose(seen.confidence[:, 1], [0.1, 0.2, 0.3, 0.4])
