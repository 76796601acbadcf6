"""Sums an answer writes down, and whether they hold."""

from __future__ import annotations

from fractions import Fraction
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.answers.arithmetic import ARITHMETIC_FEATURES, arithmetic_features


def signs(text: str) -> dict[str, float]:
    return dict(zip(ARITHMETIC_FEATURES, arithmetic_features(text).tolist(), strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "3 + 4 * 2 = 11",
        "She has 16 - 7 = <<16-7=9>>9 eggs",
        r"so \$9 \times 2 = \$18.",
        "3 x 4 = 12 and 12 ÷ 5 = 2.4",
        "7 - 10 = -3",
        "20% * 50 = 10",
        "1,000 + 250 = 1,250",
        "10000 / 3 = 3,333.33, or 3,333.34 with the last cent: 10000/3 = 3333.34",
        "5 / 2 = 3 boxes, rounded up",
        "5 * 12 = 60 * 2 = 120",
        "(10 - 3 = 7)",
    ],
)
def test_sums_that_hold(text: str) -> None:
    assert signs(text)["sums_right"] >= log(2)
    assert signs(text)["has_wrong_sum"] == 0


@pytest.mark.parametrize(
    "text", ["12 * 7 = 74", "4 / 2 = 3", "10 / 3 = 3.5", "3 + 4 = 7, 7 + 1 = 9", "2-3=1"]
)
def test_sums_that_do_not(text: str) -> None:
    assert signs(text)["has_wrong_sum"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "x + 3 + 2 = 14",
        "(3 + 4) * 2 = 14",
        "2^3 + 1 = 9",
        "f(2) * 3 = 12",
        "a4 + 3 = 9",
        "3 + 5 = 2 * 4",
        "1 / 0 = 3",
        "n = 4",
        "9 eggs * $2/egg = $18",
        "== = =",
        "",
    ],
)
def test_what_is_not_a_plain_sum_is_left_alone(text: str) -> None:
    assert (signs(text)["sums_right"], signs(text)["has_wrong_sum"]) == (0, 0)


def test_how_many_hold_and_whether_the_last_number_is_a_sums() -> None:
    found = signs("6 * 2 = 12.\n12 + 3 = 15.\nThe answer is 15.")
    assert found["sums_right"] == pytest.approx(log(3))
    assert found["ends_with_a_sum"] == 1
    assert signs("6 * 2 = 12. The answer is 13.")["ends_with_a_sum"] == 0
    assert signs("The answer is 13.")["ends_with_a_sum"] == 0


def test_a_last_number_with_decimals_is_noticed() -> None:
    assert signs("It costs 4.25")["ends_with_a_fraction"] == 1
    assert signs("1.5 and 1.5 is 3.")["ends_with_a_fraction"] == 0


@given(
    st.lists(st.integers(1, 999), min_size=2, max_size=5).flatmap(
        lambda ns: st.tuples(st.just(ns), st.lists(st.sampled_from("+-*/"), min_size=4, max_size=4))
    ),
    st.integers(1, 9),
)
def test_any_sum_of_whole_numbers_comes_to_what_exact_arithmetic_says(
    made: tuple[list[int], list[str]], off: int
) -> None:
    numbers, operators = made
    terms, sign = [Fraction(numbers[0])], [1]
    text = str(numbers[0])
    for number, operator in zip(numbers[1:], operators, strict=False):
        text += f" {operator} {number}"
        if operator in "+-":
            terms.append(Fraction(number))
            sign.append(1 if operator == "+" else -1)
        else:
            terms[-1] = terms[-1] * number if operator == "*" else terms[-1] / number
    value = float(sum(s * t for s, t in zip(sign, terms, strict=True)))
    assert signs(f"{text} = {value:.6f}")["has_wrong_sum"] == 0
    assert signs(f"{text} = {value:.6f}")["sums_right"] == pytest.approx(log(2))
    assert signs(f"{text} = {value + off:.6f}")["has_wrong_sum"] == 1


@pytest.mark.parametrize("piece", ["1", "1+", "=", "1=", "1,", "1.", "x 1 x", "$", "1 ", "9" * 500 + "*9="])
def test_hostile_text_is_read_to_its_end(piece: str) -> None:
    assert np.isfinite(arithmetic_features(piece * 9000)).all()
