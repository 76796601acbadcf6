"""What all policies share: specifications, descriptions, and whom they fall back on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from penstock.errors import BundleError
from penstock.policies.base import Policy, already_run, call_or_accept, policy_from, where_eligible
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.copula_cascade import CopulaCascade
from penstock.policies.fixed import Fixed, every_candidate
from penstock.policies.gain_cascade import GainCascade
from penstock.policies.index import Index
from penstock.policies.lookahead import ValueOfInformation
from penstock.policies.mixture import Mixture
from penstock.policies.refusal import RefusalCascade
from penstock.policies.routing import Routing
from penstock.policies.vote import VoteCascade
from penstock.state import State

NAMES = ("small", "middle", "large")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({}, "names no kind of policy"),
        ({"kind": "magic"}, "policy 'magic', which this version of penstock does not know"),
        ({"kind": "fixed"}, "field candidate: lacks a part"),
        ({"kind": "fixed", "candidate": 1.5}, "field candidate: holds float where int is meant"),
        ({"kind": "routing", "lambda": "x", "prefer_expensive": False}, "field lambda: holds str"),
        ({"kind": "routing", "lambda": -1.0}, "field lambda: must be a finite number"),
        ({"kind": "routing", "lambda": 1.0, "dear": True}, "field dear: holds a part that is not known here"),
        ({"kind": "mixture"}, "field cheap: lacks a part"),
        ({"kind": "mixture", "cheap": {"kind": "fixed"}, "expensive": {}, "gamma": 0.5}, "cheap/candidate"),
    ],
)
def test_specifications_of_no_policy(spec: dict[str, object], says: str) -> None:
    with pytest.raises(BundleError, match=says):
        policy_from(spec)


def test_settings_that_are_not_stated_are_the_usual_ones() -> None:
    assert policy_from({"kind": "index", "lambda": 2}) == Index(2.0)
    assert policy_from({"kind": "index", "lambda": 2.0, "max_quality": None}) == Index(2.0, max_quality=None)


SAID = {
    Fixed(1): "always middle",
    Routing(100.0): "best of quality - 100 x USD",
    ThresholdCascade((0, 2), (0.5,)): "cascade small (keep at 0.500 or more) -> large",
    CopulaCascade((0, 2), (0.5,)): "cascade small (keep at 0.500 or more) -> large",
    GainCascade((0, 2), (0.25,)): "cascade small (on where the next gains over 0.250) -> large",
    RefusalCascade((0, 2)): "on a refusal small -> large",
    VoteCascade((0, 2), (0.6,)): "cascade small (accept a vote of 0.6) -> large",
    CascadeRouting((3.0, 2.0)): "cascade routing at 3, 2 quality per USD, at most 5 candidates",
    OptimalCascade((0, 1), (3.0,)): "optimal cascade small -> middle at 3 quality per USD",
    Index(3.0): "index policy at 3 quality per USD",
    ValueOfInformation(3.0): "look ahead at 3 quality per USD",
    Mixture(Fixed(0), Routing(1.0), 0.25): "25%: always small; else best of quality - 1 x USD",
}


@pytest.mark.parametrize("policy", SAID, ids=lambda p: str(p.spec()["kind"]))
def test_a_policy_says_in_one_sentence_how_it_decides(policy: Policy) -> None:
    assert policy.describe(NAMES) == SAID[policy]
    assert policy.describe(NAMES, "s") == SAID[policy].replace("USD", "s")


@pytest.mark.parametrize("policy", SAID, ids=lambda p: str(p.spec()["kind"]))
def test_a_specification_is_plain_and_gives_the_same_policy(policy: Policy) -> None:
    again = policy_from(json.loads(json.dumps(policy.spec())))
    assert again == policy
    assert type(again) is type(policy)


def test_settings_are_stored_under_the_names_they_go_by() -> None:
    assert Routing(2.0).spec() == {"kind": "routing", "lambda": 2.0, "prefer_expensive": False}
    assert CascadeRouting((2.0,)).spec()["lambdas"] == [2.0]
    assert ValueOfInformation(2.0).spec()["kind"] == "lookahead"


def test_only_a_mixture_has_branches() -> None:
    mixture = Mixture(Fixed(0), Routing(1.0), 0.25)
    assert (mixture.branch(0.2), mixture.branch(0.25)) == (Fixed(0), Routing(1.0))
    assert Fixed(0).branch(0.2) == Fixed(0)


def test_who_is_worth_tuning_says_so() -> None:
    assert [p.tunable() for p in (Fixed, Mixture, Routing, ThresholdCascade, CopulaCascade)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert every_candidate(2) == [Fixed(0), Fixed(1)]


def state_of(executed: list[bool], eligible: list[bool]) -> State:
    state = State.new(
        np.array([[0.3, 0.9, 0.6]]), np.ones((1, 3)), np.zeros(1), eligible=np.array([eligible])
    )
    state.executed[0] = executed
    return state


@pytest.mark.parametrize(
    ("wanted", "eligible", "chosen"),
    [
        (0, [True, True, True], 0),
        (0, [False, True, True], 1),
        (1, [True, False, True], 2),
        (-1, [True, False, False], 0),
        (0, [False, False, False], -1),
    ],
)
def test_the_best_that_may_be_called_stands_in(wanted: int, eligible: list[bool], chosen: int) -> None:
    state = state_of([False] * 3, eligible)
    assert where_eligible(np.array([wanted]), state).tolist() == [chosen]


def test_one_shot_policies_call_once_and_accept_it() -> None:
    fresh, done = state_of([False] * 3, [True] * 3), state_of([True, False, False], [True] * 3)
    choice = np.array([1])
    assert already_run(choice, fresh).tolist() == [1]
    assert already_run(choice, done).tolist() == [0]
    assert (call_or_accept(choice, fresh).call[0], call_or_accept(choice, fresh).accept[0]) == (1, -1)
    assert (call_or_accept(np.array([0]), done).call[0], call_or_accept(np.array([0]), done).accept[0]) == (
        -1,
        0,
    )
