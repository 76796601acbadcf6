"""What the published estimators see of answers."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.answers.canonical import final_answer
from penstock.answers.published_features import (
    PUBLISHED_FEATURES,
    observe_answers,
    published_features,
)
from penstock.estimators.comparison.comparison import codes
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import Answer, Query, Status, Usage


def grid_of(answers: list[list[Answer]]) -> OutcomeMatrix:
    shape = (len(answers), len(answers[0]))
    names = tuple("abcd"[: shape[1]])
    ones = np.ones(shape)
    queries = tuple(Query(str(i)) for i in range(shape[0]))
    return OutcomeMatrix(queries, names, ones, ones, ones, lambda i, j: answers[i][j])


def said(text: str | None, **fields: object) -> Answer:
    return Answer("m", extracted=text, **fields)  # type: ignore[arg-type]


def test_own_signs_are_the_published_eight() -> None:
    logprobs = (-0.1, -0.2, -2.0, -0.4)
    signs = dict(
        zip(PUBLISHED_FEATURES, published_features(Answer("m", logprobs=logprobs), "x"), strict=True)
    )
    assert signs["sum_logprob"] == pytest.approx(-0.027)
    assert signs["mean_logprob"] == pytest.approx(-0.675)
    assert signs["min_logprob"] == -2.0
    assert signs["median_logprob"] == pytest.approx(-0.3)
    assert signs["q25_logprob"] == pytest.approx(np.quantile(logprobs, 0.25))
    assert signs["q10_logprob"] == pytest.approx(np.quantile(logprobs, 0.1))
    assert signs["log_tokens"] == pytest.approx(np.log(4))
    assert signs["has_parsed_answer"] == 1.0
    assert not published_features(Answer("m", logprobs=()), None).any()
    counted = published_features(Answer("m", usage=Usage(output_tokens=7)), None)
    assert counted[6] == pytest.approx(np.log(7))


def test_what_was_not_answered_shows_nothing() -> None:
    row = [said("a", status=s, usage=Usage(output_tokens=9)) for s in Status]
    seen = observe_answers(grid_of([row]))
    assert seen.answered.tolist() == [[s is Status.ANSWERED for s in Status]]
    assert seen.asked.tolist() == [[s is not Status.MISSING for s in Status]]
    assert seen.own[0].any(axis=1).tolist() == seen.answered[0].tolist()


def test_answers_are_numbered_as_they_are_compared() -> None:
    grid = grid_of(
        [
            [said("12"), said("12.0"), said("13")],
            [said("a"), said(None), said(None)],
            [said("a", status=Status.REFUSED), said("a", status=Status.FAILED), said("a")],
        ]
    )
    np.testing.assert_array_equal(codes(grid, final_answer), observe_answers(grid).codes)
