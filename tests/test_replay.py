"""Replay: pure, and strict with policies that misbehave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from penstock.errors import PenstockError
from penstock.policies.fixed import Fixed
from penstock.policies.routing import Routing
from penstock.router.replay import Beliefs, replay
from penstock.state import State, Step

RNG = np.random.default_rng(0)
QUALITY, COST = RNG.random((30, 3)), RNG.random((30, 3))
BELIEFS = Beliefs(RNG.random((30, 3)), RNG.random((30, 3)), RNG.random((30, 3)), RNG.random(30))


@dataclass(frozen=True)
class Says:
    """Says the same at every step."""

    call: int
    accept: int

    def step(self, state: State) -> Step:
        return Step(np.full(len(state), self.call), np.full(len(state), self.accept))

    def spec(self) -> dict[str, object]:
        return {}


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
        replay(policy, BELIEFS, QUALITY, COST)


def test_abstaining_is_worth_nothing_and_costs_nothing() -> None:
    done = replay(Says(-1, -1), BELIEFS, QUALITY, COST)
    assert (done.accepted == -1).all()
    assert (done.quality == 0).all()
    assert (done.cost == 0).all()
    assert not done.executed.any()


def test_one_call_costs_and_is_worth_what_it_did() -> None:
    done = replay(Fixed(1), BELIEFS, QUALITY, COST)
    assert np.array_equal(done.quality, QUALITY[:, 1])
    assert np.array_equal(done.cost, COST[:, 1])
    assert (done.accepted == 1).all()


def test_decisions_are_made_on_beliefs_not_on_outcomes() -> None:
    first = replay(Routing(0.5), BELIEFS, QUALITY, COST)
    other = replay(Routing(0.5), BELIEFS, 1 - QUALITY, COST * 7)
    assert np.array_equal(first.accepted, other.accepted)


def test_nothing_is_changed() -> None:
    arrays = (BELIEFS.ex_ante, BELIEFS.post_hoc, BELIEFS.cost, BELIEFS.draw, QUALITY, COST)
    before = [a.copy() for a in arrays]
    replay(Routing(0.5), BELIEFS, QUALITY, COST)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@pytest.mark.parametrize("spoilt", range(5))
def test_nothing_is_decided_on_what_is_not_a_number(spoilt: int) -> None:
    arrays = [a.copy() for a in (BELIEFS.ex_ante, BELIEFS.post_hoc, BELIEFS.cost, QUALITY, COST)]
    arrays[spoilt][7, 1] = np.nan
    ex_ante, post_hoc, expected, quality, cost = arrays
    with pytest.raises(PenstockError, match=r"of query 7 .* is not a number"):
        replay(Fixed(1), Beliefs(ex_ante, post_hoc, expected, BELIEFS.draw), quality, cost)
