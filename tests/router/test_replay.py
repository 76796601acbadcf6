"""Replay: pure, and strict with policies that misbehave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from penstock.belief import OwnAnswerBelief
from penstock.errors import PenstockError
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.fixed import Fixed
from penstock.policies.routing import Routing
from penstock.router.replay import replay
from penstock.state import NO_CANDIDATE, State, Step

RNG = np.random.default_rng(0)
QUALITY, COST = RNG.random((30, 3)), RNG.random((30, 3))
BELIEF = OwnAnswerBelief(RNG.random((30, 3)), RNG.random((30, 3)), RNG.random((30, 3)), RNG.random(30))


@dataclass(frozen=True)
class Says(Policy):
    """Says the same at every step."""

    call: int
    accept: int

    def step(self, state: State) -> Step:
        return Step(np.full(len(state), self.call), np.full(len(state), self.accept))


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Says(1, -1), "called a candidate twice"),
        (Says(-1, 0), "accepted an answer it had not asked for"),
        (Says(0, 0), "at once"),
    ],
)
def test_a_misbehaving_policy_is_caught(policy: Says, says: str) -> None:
    with pytest.raises(PenstockError, match=says):
        replay(policy, BELIEF, QUALITY, COST)


@dataclass(frozen=True)
class Checks(Policy):
    """Calls the first candidate, then has its answer checked."""

    def step(self, state: State) -> Step:
        called = state.executed[:, 0]
        nobody = np.full(len(state), NO_CANDIDATE)
        check = np.where(called[:, None], 0, np.full((len(state), 2), NO_CANDIDATE))
        return Step(np.where(called, NO_CANDIDATE, 0), nobody, check)


def test_a_check_that_is_not_on_record_is_an_error() -> None:
    with pytest.raises(PenstockError, match="asked for a check"):
        replay(Checks(), BELIEF, QUALITY, COST)


def test_abstaining_is_worth_nothing_and_costs_nothing() -> None:
    done = replay(Says(-1, -1), BELIEF, QUALITY, COST)
    assert (done.accepted == -1).all()
    assert (done.quality == 0).all()
    assert (done.cost == 0).all()
    assert not done.executed.any()


def test_one_call_costs_and_is_worth_what_it_did() -> None:
    done = replay(Fixed(1), BELIEF, QUALITY, COST)
    assert np.array_equal(done.quality, QUALITY[:, 1])
    assert np.array_equal(done.cost, COST[:, 1])
    assert (done.accepted == 1).all()


def test_decisions_are_made_on_beliefs_not_on_outcomes() -> None:
    first = replay(Routing(0.5), BELIEF, QUALITY, COST)
    other = replay(Routing(0.5), BELIEF, 1 - QUALITY, COST * 7)
    assert np.array_equal(first.accepted, other.accepted)


def test_nothing_is_changed() -> None:
    arrays = (BELIEF.ex_ante, BELIEF.post_hoc, BELIEF.cost, BELIEF.draw, QUALITY, COST)
    before = [a.copy() for a in arrays]
    replay(Routing(0.5), BELIEF, QUALITY, COST)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@pytest.mark.parametrize("spoilt", range(5))
def test_nothing_is_decided_on_what_is_not_a_number(spoilt: int) -> None:
    arrays = [a.copy() for a in (BELIEF.ex_ante, BELIEF.post_hoc, BELIEF.cost, QUALITY, COST)]
    arrays[spoilt][7, 1] = np.nan
    ex_ante, post_hoc, expected, quality, cost = arrays
    with pytest.raises(PenstockError, match=r"of query 7 .* is not a number"):
        replay(Fixed(1), OwnAnswerBelief(ex_ante, post_hoc, expected, BELIEF.draw), quality, cost)


def test_the_row_that_is_named_is_one_of_the_table() -> None:
    """Also where only some queries are still to be decided."""
    ex_ante, post_hoc = np.full((30, 2), 0.5), np.full((30, 2), 0.9)
    post_hoc[5:9, 0], post_hoc[7, 1] = 0.1, np.nan
    belief = OwnAnswerBelief(ex_ante, post_hoc, np.ones((30, 2)), np.zeros(30))
    with pytest.raises(PenstockError, match=r"of query 7 .* is not a number"):
        replay(ThresholdCascade((0, 1), (0.5,)), belief, np.ones((30, 2)), np.ones((30, 2)))
