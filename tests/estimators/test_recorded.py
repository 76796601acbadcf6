"""Recorded answers are read once, whoever asks and for whichever rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from penstock.codec import take
from penstock.estimators.comparison.comparison import ByForm
from penstock.estimators.post_hoc.base import PostHocData
from penstock.estimators.post_hoc.fit_logistic import crossfit_post_hoc
from penstock.estimators.recorded import RecordedAnswers
from penstock.types import Answer, Status
from tests.estimators.agreement.worlds import quiz_grid
from tests.estimators.before import before_of

GRID = quiz_grid(30)
ROWS = np.array([11, 3, 29])


@dataclass
class Counted:
    """``answer_of`` that counts."""

    asked: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, i: int, j: int) -> Answer:
        self.asked.append((i, j))
        return GRID.answer_of(i, j)


@dataclass(frozen=True)
class Counting(ByForm):
    """A comparison that counts the queries it groups."""

    grouped: list[int] = field(default_factory=list, compare=False)

    def group(self, answers: Sequence[Answer]) -> list[int]:
        self.grouped.append(len(answers))
        return super().group(answers)


@pytest.mark.parametrize("index", [ROWS, np.isin(np.arange(30), ROWS), np.array([], dtype=np.int64)])
@pytest.mark.parametrize("read_before", [False, True])
def test_some_rows_show_what_the_whole_shows_of_them(index: Any, read_before: bool) -> None:
    everybody, stated = RecordedAnswers.of(GRID), ByForm("stated_answer")
    source = RecordedAnswers.of(GRID)
    if read_before:
        assert len(source.features.found) == 30
        source.codes(stated)
    some = take(source, index)
    picked = np.arange(30)[index]
    assert (some.shape, len(some)) == ((len(picked), 4), len(picked))
    for i, row in enumerate(picked.tolist()):
        assert [some.answer_of(i, j) for j in range(4)] == [GRID.answer_of(row, j) for j in range(4)]
    np.testing.assert_array_equal(some.features.found, everybody.features.found[picked])
    np.testing.assert_array_equal(some.answered, everybody.answered[picked])
    np.testing.assert_array_equal(some.codes(stated), everybody.codes(stated)[picked])
    again = take(take(source, ROWS), np.array([2, 0]))
    assert again.answer_of(1, 3) == GRID.answer_of(11, 3)


def test_answers_are_read_once_and_some_of_them_not_again() -> None:
    source = Counted()
    answers = RecordedAnswers(source, (30, 4))
    assert source.asked == [], "not before somebody asks"
    first = answers.features
    assert answers.features is first
    assert answers.answered is first.answered
    some = take(answers, ROWS)
    np.testing.assert_array_equal(some.features.found, first.found[ROWS])
    assert len(source.asked) == len(set(source.asked)) == 120


def test_answers_are_compared_once_by_every_comparison() -> None:
    answers, stated = RecordedAnswers.of(GRID), Counting("stated_answer")
    code = answers.codes(stated)
    assert answers.codes(stated) is code
    assert answers.codes(Counting("stated_answer")) is code, "an equal comparison is the same"
    some = take(answers, ROWS)
    np.testing.assert_array_equal(some.codes(stated), code[ROWS])
    assert stated.grouped == [4] * 30
    other = Counting("short_text")
    some.codes(other)
    assert other.grouped == [4] * 3, "what was not asked of the whole is asked of the rows alone"
    assert answers.codes(other) is not code
    assert other.grouped == [4] * 33


def test_one_request_is_one_row() -> None:
    said = [Answer("a", "The answer is 7."), Answer("b", status=Status.REFUSED), Answer("c", "It is 7.")]
    answers = RecordedAnswers.live(said)
    assert answers.shape == (1, 3)
    assert [answers.answer_of(0, j) for j in range(3)] == said
    assert answers.answered.tolist() == [[True, False, True]]


def test_words_are_read_in_some_rows_as_in_all_of_them() -> None:
    """A verifier sees an answer's text whether or not the features of the whole were read before."""
    right = np.random.default_rng(0).random((300, 1)) < 0.5
    ends = ("so we carry over", "so it stays even")

    def answer_of(i: int, j: int) -> Answer:
        return Answer("a", f"the old mill runs {i % 7 * 'now '}{ends[int(right[i, j])]}")

    def answers() -> RecordedAnswers:
        return RecordedAnswers(answer_of, (300, 1))

    before, every = before_of(np.full((300, 1), 0.5)), np.ones(300, dtype=bool)
    quality, fold = (right.astype(float),), np.arange(300) % 5
    data = PostHocData(before, (answers(),), quality, np.ones((300, 1)), fold, every, np.arange(300))
    _, model = crossfit_post_hoc(data, 0)
    assert model is not None
    assert model.verifier is not None
    fresh, known = answers(), answers()
    assert known.features.informative
    expected = model.believe(before, answers()).post_hoc[ROWS]
    for source in (fresh, known):
        found = model.believe(take(before, ROWS), take(source, ROWS)).post_hoc
        np.testing.assert_allclose(found, expected, atol=1e-12)
