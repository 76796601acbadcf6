"""Signs of an answer's text, and bundles fitted on fewer of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.answers.features import SIGNALS, signals
from penstock.answers.text_features import TEXT_SIGNS, text_signs
from penstock.errors import BundleError
from penstock.estimators.post_hoc.logistic import OwnAnswer
from penstock.types import Answer


def signs(text: str) -> dict[str, float]:
    return dict(zip(TEXT_SIGNS, text_signs(text).tolist(), strict=True))


def test_a_plain_answer_shows_nothing_unusual() -> None:
    found = signs("The river rises in the hills and meets the sea at the old harbour.")
    assert (found["hedges"], found["declines"], found["has_code"], found["digit_share"]) == (0, 0, 0, 0)
    assert found["ends_mid_sentence"] == 0


def test_doubt_is_counted() -> None:
    assert signs("I think it is probably Rome.")["hedges"] == pytest.approx(np.log(3))


def test_refusals_code_and_numbers_are_seen() -> None:
    assert signs("I'm sorry, there is not enough information.")["declines"] == 1
    assert signs("```python\nprint(1)\n```")["has_code"] == 1
    assert signs("12ab")["digit_share"] == pytest.approx(0.5)


def test_a_loop_repeats_itself() -> None:
    loop = signs("the ratio of men to women is 5:9, so " * 50)
    assert loop["repeats"] > 2 > 1 > signs("The river rises in the hills and meets the sea.")["repeats"]
    assert loop["ends_mid_sentence"] == 1


def test_an_empty_text_shows_nothing() -> None:
    assert not text_signs(" \n").any()


def test_a_confidence_of_nothing_differs_from_none() -> None:
    names = list(SIGNALS)
    said, silent = signals(Answer("a", confidence=0.0)), signals(Answer("a"))
    assert (said[names.index("has_confidence")], silent[names.index("has_confidence")]) == (1.0, 0.0)


def test_what_a_scorer_extracted_is_no_sign_where_there_is_text() -> None:
    text = "There is much to be said about all of this, and little of it is any use to anybody in the end."
    np.testing.assert_array_equal(
        signals(Answer("a", text=text)), signals(Answer("a", text=text, extracted="4"))
    )


def fitted(count: int) -> OwnAnswer:
    rng = np.random.default_rng(0)
    return OwnAnswer(
        intercept=np.zeros(1),
        coefficients=rng.normal(size=(1 + count, 1)),
        mean=np.zeros((1, count)),
        scale=np.ones((1, count)),
        look=np.zeros(1),
    )


def test_a_bundle_of_fewer_signs_reads_those_it_knew() -> None:
    old = fitted(10)
    settings, arrays = old.state()
    assert settings["signals"] == list(SIGNALS[:10])
    again = OwnAnswer.from_state(settings, arrays)
    answer = Answer("a", text="I think it is 4.", confidence=0.4)
    padded = replace(
        fitted(len(SIGNALS)),
        coefficients=np.concatenate([old.coefficients, np.zeros((len(SIGNALS) - 10, 1))]),
    )
    assert again.estimate_answer(0.3, answer, 0) == pytest.approx(padded.estimate_answer(0.3, answer, 0))


def test_a_bundle_of_unknown_signs_is_refused() -> None:
    settings, arrays = fitted(len(SIGNALS)).state()
    with pytest.raises(BundleError, match="mood"):
        OwnAnswer.from_state({"signals": [*settings["signals"][:-1], "mood"]}, arrays)
