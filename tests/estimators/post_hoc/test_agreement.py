"""Answers brought to a normal form, numbered and compared."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.answers.canonical import canonical, final_answer, listed_steps, short_text
from penstock.answers.equivalence import NONE, agreement, same_answer
from penstock.estimators.agreement.comparison import codes
from penstock.estimators.post_hoc.published_features import OWN_SIGNS, observe_answers, own_signs
from penstock.outcomes.matrix import Grid
from penstock.types import Answer, Query, Status, Usage

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


def grid_of(answers: list[list[Answer]]) -> Grid:
    shape = (len(answers), len(answers[0]))
    names = tuple("abcd"[: shape[1]])
    ones = np.ones(shape)
    queries = tuple(Query(str(i)) for i in range(shape[0]))
    return Grid(queries, names, ones, ones, ones, lambda i, j: answers[i][j])


def said(text: str | None, **fields: object) -> Answer:
    return Answer("m", extracted=text, **fields)  # type: ignore[arg-type]


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


def test_codes_number_answers_within_their_query() -> None:
    grid = grid_of(
        [
            [said("12"), said("12.0"), said("13")],
            [said("a"), said(None), said(None)],
            [said("a", status=Status.REFUSED), said("a", status=Status.FAILED), said("a")],
        ]
    )
    found = codes(grid)
    assert found.tolist() == [[0, 0, 1], [0, NONE, NONE], [NONE, NONE, 0]]
    assert same_answer(found, 0, 1).tolist() == [True, False, False]
    assert same_answer(found, 1, 2).tolist() == [False, False, False]
    np.testing.assert_array_equal(codes(grid, final_answer), observe_answers(grid).codes)


def test_agreement_is_the_share_of_the_others_executed() -> None:
    code = np.array([[0, 0, 1], [0, 0, 0], [NONE, NONE, 0]])
    ran = np.array([[True, True, True], [True, True, False], [True, True, False]])
    nan = float("nan")
    expected = [[0.5, 0.5, 0.0], [1.0, 1.0, nan], [0.0, 0.0, nan]]
    np.testing.assert_array_equal(agreement(code, ran), expected)
    alone = agreement(code, np.array([[True, False, False]] * 3))
    assert np.isnan(alone).all()


def test_own_signs_are_the_published_eight() -> None:
    logprobs = (-0.1, -0.2, -2.0, -0.4)
    signs = dict(zip(OWN_SIGNS, own_signs(Answer("m", logprobs=logprobs), "x"), strict=True))
    assert signs["sum_logprob"] == pytest.approx(-0.027)
    assert signs["mean_logprob"] == pytest.approx(-0.675)
    assert signs["min_logprob"] == -2.0
    assert signs["median_logprob"] == pytest.approx(-0.3)
    assert signs["q25_logprob"] == pytest.approx(np.quantile(logprobs, 0.25))
    assert signs["q10_logprob"] == pytest.approx(np.quantile(logprobs, 0.1))
    assert signs["log_tokens"] == pytest.approx(np.log(4))
    assert signs["has_parsed_answer"] == 1.0
    assert not own_signs(Answer("m", logprobs=()), None).any()
    counted = own_signs(Answer("m", usage=Usage(output_tokens=7)), None)
    assert counted[6] == pytest.approx(np.log(7))


def test_what_was_not_answered_shows_nothing() -> None:
    row = [said("a", status=s, usage=Usage(output_tokens=9)) for s in Status]
    seen = observe_answers(grid_of([row]))
    assert seen.answered.tolist() == [[s is Status.ANSWERED for s in Status]]
    assert seen.asked.tolist() == [[s is not Status.MISSING for s in Status]]
    assert seen.own[0].any(axis=1).tolist() == seen.answered[0].tolist()
