"""Signs of the answer a text states."""

from __future__ import annotations

from math import log

import pytest

from penstock.answers.extract import stated_answer
from penstock.answers.final_answer_features import FINAL_ANSWER_FEATURES, final_answer_features
from penstock.types import Answer, FloatArray


def read(text: str) -> FloatArray:
    return final_answer_features(text, stated_answer(Answer("a", text=text)))


def signs(text: str) -> dict[str, float]:
    return dict(zip(FINAL_ANSWER_FEATURES, read(text).tolist(), strict=True))


def test_an_answer_the_text_led_up_to() -> None:
    found = signs("Three and four make 7. So the answer is 7.")
    assert found == {"stated_length": pytest.approx(log(2)), "stated_before": 1, "stated_just_before": 1}


def test_an_answer_out_of_nowhere() -> None:
    found = signs("Let us think about it for long. The answer is 1234.")
    assert (found["stated_before"], found["stated_just_before"]) == (0, 0)
    assert found["stated_length"] == pytest.approx(log(5))


def test_far_before_is_not_just_before() -> None:
    found = signs(f"It may be 1234. {'Let us see. ' * 40}The answer is 1234.")
    assert (found["stated_before"], found["stated_just_before"]) == (1, 0)


def test_open_text_states_nothing() -> None:
    prose = "There is much to be said about all of this, and little of it is any use to anybody in the end."
    assert not read(prose).any()
