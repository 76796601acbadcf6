"""Answers brought to a normal form."""

from __future__ import annotations

import pytest

from penstock.answers.canonical import canonical, listed_steps, short_text
from penstock.types import Answer

SAME = [
    ("$276,000", "276000.00"),
    ("20%", "20"),
    ("-3", "−3"),
    ("0", "-0.0"),
    (" Paris. ", "paris"),
    ("07/08/1971", "7/8/1971"),
    ("**B**", "b"),
    ("new  york", "New York"),
    ("1e3", "1000"),
]
DIFFERENT = [("1,2", "12"), ("1.05", "1.5"), ("7/8/1971", "8/7/1971"), ("e", "1"), ("A", "B"), ("100", "10")]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_does_not_change_an_answer_is_dropped(one: str, other: str) -> None:
    assert canonical(one) == canonical(other) is not None


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_answers_stay_different(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("text", ["", "  ", "**", "."])
def test_nothing_has_no_normal_form(text: str) -> None:
    assert canonical(text) is None


def test_short_texts_are_compared_whole_and_long_ones_never() -> None:
    assert short_text(Answer("m", text="Yes. ")) == "yes"
    assert short_text(Answer("m", text="x" * 500)) is None


@pytest.mark.parametrize(
    "text",
    [
        "[PLAN]\npick up the red block\nstack the red block on top of the blue block\n[PLAN END]\nBecause.",
        "So:\n\n1. **Pick up the red block**: it is clear.\n2. Stack the red block on the blue block (x).",
        "1. Put down the red block\nNo, again:\n1. Pick up the red block.\n2. Stack red block on blue block",
        "The plan:\n\npick up the red block\nstack the red block on top of the blue block\n",
    ],
)
def test_plans_are_compared_step_by_step(text: str) -> None:
    plan = listed_steps({"the", "block", "on", "top", "of"})(Answer("m", text=text))
    assert plan == "pick up red | stack red blue"


def test_a_text_without_steps_is_no_plan() -> None:
    assert listed_steps()(Answer("m", text="")) is None
