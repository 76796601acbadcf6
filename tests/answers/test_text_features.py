"""Signs of an answer's text."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.answers.text_features import TEXT_FEATURES, text_features


def signs(text: str) -> dict[str, float]:
    return dict(zip(TEXT_FEATURES, text_features(text).tolist(), strict=True))


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
    assert not text_features(" \n").any()
