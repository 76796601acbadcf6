"""Observations, and what they change of what is believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.belief import Answered, Checked, Failed, Observation, OwnAnswerBelief, observe
from penstock.codec import take
from penstock.errors import InputError, PenstockError
from penstock.state import State
from penstock.types import Answer, FloatArray, Status

HALF = np.full((2, 3), 0.5)
RECORDED = OwnAnswerBelief(
    ex_ante=HALF,
    post_hoc=np.array([[0.9, 0.8, 0.7], [0.1, 0.2, 0.3]]),
    cost=np.ones((2, 3)),
    draw=np.array([0.25, 0.75]),
    shift_sd=np.full((2, 3), 0.4),
    refused=np.array([[False, True, False], [False, False, False]]),
    confidence=np.array([[0.6, np.nan, np.nan], [np.nan, np.nan, 0.2]]),
)


def by_length(ex_ante: FloatArray, answers: object, columns: object) -> FloatArray:
    """Long answers are good ones."""
    return np.array([min(1.0, p + len(a.text) / 10) for p, a in zip(ex_ante, answers, strict=True)])  # type: ignore[call-overload]


LIVE = OwnAnswerBelief(HALF, HALF, np.ones((2, 3)), np.zeros(2), read=by_length)


def at(rows: list[int], columns: list[int]) -> Answered:
    return Answered(np.array(rows), np.array(columns))


def test_a_recorded_answer_moves_its_own_candidate_s_estimate_and_no_other() -> None:
    state = observe(RECORDED, RECORDED.begin(), at([0, 1], [0, 2]))
    assert state.quality.tolist() == [[0.9, 0.5, 0.5], [0.5, 0.5, 0.3]]
    assert state.executed.tolist() == [[True, False, False], [False, False, True]]
    assert state.shift_sd is not None
    assert state.shift_sd.tolist() == [[0.0, 0.4, 0.4], [0.4, 0.4, 0.0]]
    assert (state.confidence[0, 0], state.confidence[1, 2]) == (0.6, 0.2)
    assert np.isnan(state.confidence[[0, 1], [1, 0]]).all()


def test_a_refused_answer_is_worth_nothing() -> None:
    state = observe(RECORDED, RECORDED.begin(), at([0], [1]))
    assert (state.quality[0, 1], state.refused[0, 1]) == (0.0, True)
    assert state.refused.sum() == 1


def test_a_belief_is_not_changed_and_may_begin_again() -> None:
    before = RECORDED.begin()
    observe(RECORDED, RECORDED.begin(np.zeros((2, 3), dtype=bool)), at([0, 1], [0, 2]))
    again = RECORDED.begin()
    np.testing.assert_array_equal(before.quality, again.quality)
    np.testing.assert_array_equal(before.shift_sd, again.shift_sd)
    assert again.eligible.all()


def test_who_could_not_be_asked_is_out_and_has_not_run() -> None:
    state = observe(RECORDED, RECORDED.begin(), Failed.live(1))
    assert state.eligible.tolist() == [[True, False, True], [True, True, True]]
    assert not state.executed.any()
    np.testing.assert_array_equal(state.quality, HALF)


def test_a_live_answer_is_read_as_it_comes() -> None:
    state = observe(LIVE, LIVE.begin(), Answered.live(2, Answer("c", "abc", confidence=0.8), row=1))
    assert state.quality.tolist() == [[0.5, 0.5, 0.5], [0.5, 0.5, 0.8]]
    assert state.confidence[1, 2] == 0.8
    unread = replace(LIVE, read=None)
    seen = observe(unread, unread.begin(), Answered.live(2, Answer("c", "abc")))
    assert (seen.quality[0, 2], seen.executed[0, 2]) == (0.5, True)


@pytest.mark.parametrize("status", [Status.REFUSED, Status.FAILED])
def test_a_live_answer_that_is_none_is_worth_nothing(status: Status) -> None:
    for belief in (LIVE, replace(LIVE, read=None)):
        state = observe(belief, belief.begin(), Answered.live(0, Answer("a", "long", status=status)))
        assert (state.quality[0, 0], state.refused[0, 0]) == (0.0, True)


def test_nothing_is_made_of_checks_nobody_was_fitted_with() -> None:
    check = Checked(np.array([0]), np.array([0]), "a judge", np.array([1.0]))
    with pytest.raises(InputError, match="fitted without checks"):
        observe(RECORDED, RECORDED.begin(), check)


def test_some_of_the_queries_are_a_belief_of_their_own() -> None:
    part = take(replace(RECORDED, read=by_length), np.array([1]))
    state = observe(part, part.begin(), at([0], [2]))
    assert state.quality.tolist() == [[0.5, 0.5, 0.3]]
    assert part.read is by_length


class Lost:
    """A belief that forgets how to count."""

    def begin(self, eligible: object = None) -> State:
        return RECORDED.begin()

    def observe(self, state: State, seen: Observation) -> State:
        state.quality[seen.rows, seen.columns] = np.nan
        return state


def test_a_belief_that_says_no_number_is_caught() -> None:
    with pytest.raises(PenstockError, match=r"quality of query 0 .* is not a number"):
        observe(Lost(), Lost().begin(), at([0], [1]))
