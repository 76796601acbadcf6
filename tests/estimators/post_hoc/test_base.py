"""The base of estimates after the call: live answers count as recorded ones do, and fits are held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from penstock.belief import Answered, Belief, OwnAnswerBelief, observe
from penstock.codec import take
from penstock.errors import PenstockError
from penstock.estimators.post_hoc.base import (
    CrossfitPostHoc,
    OwnAnswerPostHoc,
    PostHocData,
    PostHocEstimator,
    whole,
)
from penstock.estimators.recorded import RecordedAnswers
from penstock.state import State
from penstock.types import Answer, FloatArray, IntArray, Status
from tests.estimators.before import before_of

N, K, FOLDS, DRAWS = 40, 2, 4, 2
EX_ANTE = np.random.default_rng(0).uniform(0.2, 0.8, (N, K))
LENGTH = np.random.default_rng(1).integers(1, 10, (DRAWS, N, K))
QUALITY = np.random.default_rng(2).random((DRAWS, N, K))
FOLD = np.arange(N) % FOLDS
TUNING = (np.arange(N) % 3 != 0) & (FOLD != 3)
EVERY = np.arange(N)


@dataclass(frozen=True)
class ByLength(OwnAnswerPostHoc):
    """A longer answer is worth ``more`` (k,) per character than was expected."""

    more: FloatArray

    def estimate(self, ex_ante: FloatArray, answers: Sequence[Answer], columns: IntArray) -> FloatArray:
        return ex_ante + self.more[columns] * np.array([len(a.text) for a in answers])

    def shift_sd(self, ex_ante: FloatArray) -> FloatArray:
        return 0.1 * ex_ante


@dataclass(frozen=True)
class Lengths(PostHocEstimator):
    """A character is worth the mean quality of whatever was fitted on; ``silent``: nothing is."""

    silent: bool = False
    fitted_on: list[int] = field(default_factory=list, compare=False)

    def fit(self, data: PostHocData, *, seed: int) -> ByLength | None:
        self.fitted_on.append(len(data.fold))
        return None if self.silent else ByLength(np.mean(data.quality, axis=(0, 1)) / 100)


def answer(i: int, j: int, draw: int = 0) -> Answer:
    """Candidate 0 declines now and then; candidate 1 always says how sure it is."""
    declines = j == 0 and i % 5 == 2
    status = Status.REFUSED if declines else Status.ANSWERED
    return Answer("ab"[j], "x" * int(LENGTH[draw, i, j]), status=status, confidence=0.25 * j or None)


def recorded(draw: int = 0) -> RecordedAnswers:
    return RecordedAnswers(lambda i, j: answer(i, j, draw), (N, K))


def data(quality: FloatArray = QUALITY) -> PostHocData:
    return PostHocData(
        before=before_of(EX_ANTE),
        answers=tuple(recorded(d) for d in range(DRAWS)),
        quality=tuple(quality),
        weight=np.ones((N, K)),
        fold=FOLD,
        tuning=TUNING,
        cluster=np.arange(TUNING.sum()),
    )


def asked(belief: Belief, live: Sequence[Sequence[Answer]] | None = None) -> list[State]:
    """The state before, and after each candidate in turn has answered every query."""
    states = [belief.begin()]
    rows = np.arange(len(states[0]))
    for j in range(K):
        answers = None if live is None else tuple(row[j] for row in live)
        seen = Answered(rows, np.full(len(rows), j), answers)
        states.append(take(observe(belief, take(states[-1], rows), seen), rows))
    return states


def assert_same(one: State, other: State) -> None:
    for name in ("quality", "cost", "executed", "eligible", "draw", "refused", "confidence", "shift_sd"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def out_of_fold(found: CrossfitPostHoc | None) -> FloatArray:
    """(draws, t, k) what is believed of every tuning row once everybody has answered."""
    assert found is not None
    after = np.full((len(found.beliefs), int(TUNING.sum()), K), np.nan)
    for of_draw, parts in zip(after, found.beliefs, strict=True):
        for part in parts:
            assert np.isnan(of_draw[part.rows]).all(), "no row is believed twice"
            of_draw[part.rows] = asked(part.belief)[-1].quality
    return after


def test_live_answers_are_believed_as_recorded_ones_and_one_as_in_a_batch() -> None:
    model, before = ByLength(np.array([0.01, 0.02])), before_of(EX_ANTE)
    live = [[answer(i, j) for j in range(K)] for i in range(N)]
    batch = asked(model.believe(before, recorded()))
    for one, other in zip(batch, asked(model.believe(before), live), strict=True):
        assert_same(one, other)
    for i in range(N):
        row = np.array([i])
        alone = take(before, row)
        beliefs = (asked(model.believe(alone, take(recorded(), row))), asked(model.believe(alone), [live[i]]))
        for states in beliefs:
            for one, other in zip(batch, states, strict=True):
                assert_same(take(one, row), other)


def test_an_answer_moves_its_own_candidate_and_a_refusal_is_worth_nothing() -> None:
    model = ByLength(np.array([0.01, 0.02]))
    begun, after, _ = asked(model.believe(before_of(EX_ANTE), recorded()))
    declined = EVERY % 5 == 2
    np.testing.assert_array_equal(after.quality[:, 1], begun.quality[:, 1])
    np.testing.assert_array_equal(after.refused[:, 0], declined)
    assert (after.quality[declined, 0] == 0.0).all()
    moved = EX_ANTE[:, 0] + 0.01 * LENGTH[0, :, 0]
    np.testing.assert_allclose(after.quality[~declined, 0], moved[~declined])
    assert begun.shift_sd is not None
    np.testing.assert_array_equal(begun.shift_sd, 0.1 * EX_ANTE)
    assert after.shift_sd is not None
    np.testing.assert_array_equal(after.shift_sd, begun.shift_sd * [0.0, 1.0])


def test_a_fold_s_outcomes_do_not_reach_its_own_beliefs() -> None:
    honest = out_of_fold(Lengths().crossfit(data(), {}, seed=0, threads=1))
    assert np.isfinite(honest).all(), "every tuning row is believed something of, for every draw"
    for held in range(FOLDS - 1):
        changed = np.where((held == FOLD)[:, None], 1.0 - QUALITY, QUALITY)
        again = out_of_fold(Lengths().crossfit(data(changed), {}, seed=0, threads=1))
        own = FOLD[TUNING] == held
        np.testing.assert_array_equal(again[:, own], honest[:, own])
        moved, answered = (again != honest)[:, ~own], (honest > 0)[:, ~own]
        np.testing.assert_array_equal(moved, answered, "and it does reach the others")


def test_each_row_is_believed_by_the_fit_on_the_other_folds() -> None:
    found = Lengths().crossfit(data(), {}, seed=0, threads=1)
    after = out_of_fold(found)
    rows = np.flatnonzero(TUNING)
    for draw in range(DRAWS):
        for place, i in enumerate(rows.tolist()):
            more = QUALITY[:, FOLD[i] != FOLD].mean(axis=(0, 1)) / 100
            expected = EX_ANTE[i] + more * LENGTH[draw, i]
            expected[0] *= i % 5 != 2
            np.testing.assert_allclose(after[draw, place], expected)
    assert found is not None
    assert isinstance(found.fitted, ByLength)
    np.testing.assert_allclose(found.fitted.more, QUALITY.mean(axis=(0, 1)) / 100)
    assert all(len(parts) == FOLDS - 1 for parts in found.beliefs), "a fold without tuning rows is left out"


def test_where_answers_show_nothing_nothing_is_held_out() -> None:
    silent = Lengths(silent=True)
    assert silent.crossfit(data(), {}, seed=0, threads=1) is None
    assert silent.fitted_on == [N]


def test_some_rows_of_the_data_are_those_rows() -> None:
    rows = np.array([7, 4, 22])
    some = take(data(), rows)
    np.testing.assert_array_equal(some.before.quality, EX_ANTE[rows])
    np.testing.assert_array_equal(some.tuning, TUNING[rows])
    assert some.answers[1].answer_of(2, 1) == answer(22, 1, 1)
    assert len(some.cluster) == some.tuning.sum(), "of the tuning rows among them"


def test_no_rows_are_no_part() -> None:
    nothing = np.zeros((0, K))
    with pytest.raises(PenstockError, match="no rows"):
        whole(OwnAnswerBelief(nothing, nothing, nothing, np.zeros(0)), 0)
