"""The verifier accepts a final answer and nothing looser."""

from __future__ import annotations

import pytest

from penstock.answers.marked import extract_answer, is_correct


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("7 + 3 = 10 . answer : 10", "10"),
        ("answer : 10", "10"),
        ("Answer: 10.", "10"),
        ("answer : a d k", "a d k"),
        ("answer : 4 . so the answer : 5", "5"),
        ("answer : 10 , or 11", None),
        ("answer : 10 . next", None),
        ("answer : 100", None),
        ("answer :", None),
        ("the answer is 10", None),
        ("10", None),
        ("answer : dog", None),
        ("", None),
        ("sorry , i can't answer that .", None),
    ],
)
def test_extraction(text: str, answer: str | None) -> None:
    assert extract_answer(text) == answer


def test_correctness_ignores_spacing_and_case_only() -> None:
    assert is_correct("ANSWER :  A   d k", "a d k")
    assert not is_correct("answer : a d", "a d k")
    assert not is_correct("answer : 07", "7")
    assert not is_correct("sorry , i can't answer that .", "")
