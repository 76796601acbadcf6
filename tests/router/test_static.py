"""Routers without a fit."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.belief import Answered, Failed, observe
from penstock.errors import TargetError
from penstock.policies.vote import VoteCascade
from penstock.router.static import UNKNOWN, StaticRouter
from penstock.router.targets import Target
from penstock.state import draw_of
from penstock.types import Answer, Query, Status

ROUTER = StaticRouter(("small", "large"), VoteCascade((0, 1), (0.6,)), seed=5)
QUERY = Query.from_prompt("q", "hello")


def test_nothing_is_known_before_an_answer() -> None:
    state = ROUTER.begin([QUERY], eligible=np.array([[True, False]]))
    assert state.quality.tolist() == [[UNKNOWN, UNKNOWN]]
    assert state.cost.tolist() == [[0.0, 0.0]]
    assert state.eligible.tolist() == [[True, False]]
    assert state.draw.tolist() == [draw_of("q", 5)]


@pytest.mark.parametrize(
    ("answer", "worth", "accepted"),
    [
        (Answer("small", "x", confidence=0.7), 0.7, True),
        (Answer("small", "x", confidence=0.5), 0.5, False),
        (Answer("small", "x"), UNKNOWN, False),
        (Answer("small", "x", confidence=0.9, status=Status.REFUSED), 0.0, False),
    ],
)
def test_an_answer_is_worth_what_it_says_of_itself(answer: Answer, worth: float, accepted: bool) -> None:
    belief = ROUTER.believe([QUERY])
    state = observe(belief, belief.begin(), Answered.live(0, answer))
    assert state.quality.tolist() == [[worth, UNKNOWN]]
    assert (ROUTER.policy_for(None).step(state).accept[0] == 0) == accepted


def test_who_cannot_be_asked_is_passed_over() -> None:
    belief = ROUTER.believe([QUERY])
    state = observe(belief, belief.begin(), Failed.live(0))
    assert ROUTER.policy.step(state).call.tolist() == [1]


def test_no_target_can_be_met() -> None:
    assert ROUTER.target is None
    with pytest.raises(TargetError, match="without a fit"):
        ROUTER.policy_for(Target.parse("budget=1"))
