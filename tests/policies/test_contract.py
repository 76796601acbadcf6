"""Every policy against the contract."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from benchmarks.research.oracle import AnswerKey, Oracle
from penstock import codec
from penstock.errors import InputError
from penstock.policies.base import Policy, call_or_accept, where_eligible
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.copula_cascade import CopulaCascade
from penstock.policies.fixed import Fixed
from penstock.policies.gain_cascade import GainCascade
from penstock.policies.index import Index
from penstock.policies.lookahead import ValueOfInformation
from penstock.policies.mixture import Mixture
from penstock.policies.refusal import RefusalCascade
from penstock.policies.routing import Routing
from penstock.policies.vote import VoteCascade
from penstock.registry import entry_of, registered
from penstock.state import State, Step
from penstock.testing.policies import PolicyContract, ServedPolicyContract, World


def last(world: World) -> int:
    return world.quality.shape[1] - 1


class TestFixed(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Fixed(last(world))


class TestRouting(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Routing(40.0)


class TestRoutingExpensive(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Routing(50.0, prefer_expensive=True)


class TestRoutingFree(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Routing(0.0)


class TestThresholdCascade(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        k = world.quality.shape[1]
        return ThresholdCascade(tuple(range(k)), tuple(0.5 + 0.1 * j for j in range(k - 1)))


class TestThresholdCascadeOverSome(ServedPolicyContract):
    """A chain that leaves most of the pool out: where its members may not be called, somebody else serves."""

    def policy_for(self, world: World) -> Policy:
        return ThresholdCascade((last(world),), ())


class TestCopulaCascade(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        k = world.quality.shape[1]
        return CopulaCascade(tuple(range(k)), (0.4,) * (k - 1))


class TestRefusalCascade(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return RefusalCascade(tuple(range(world.quality.shape[1])))


class TestVoteCascade(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        k = world.quality.shape[1]
        return VoteCascade(tuple(range(k)), tuple(0.5 + 0.1 * j for j in range(k - 1)))


class TestGainCascade(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        k = world.quality.shape[1]
        return GainCascade(tuple(range(k)), tuple(0.1 - 0.1 * j for j in range(k - 1)))


class TestGainCascadeOverSome(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        k = world.quality.shape[1]
        return GainCascade((last(world), 0)[: min(k, 2)], (-0.2,) * (min(k, 2) - 1))


class TestCascadeRouting(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return CascadeRouting((30.0, 20.0))


class TestOptimalCascade(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return OptimalCascade(tuple(range(world.quality.shape[1])), (30.0,))


class TestIndex(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Index(30.0)


class TestIndexOfTwoCalls(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Index(30.0, max_calls=2)


class TestValueOfInformation(ServedPolicyContract):
    """Without a lookahead model; with one, see tests/policies/test_lookahead.py."""

    def policy_for(self, world: World) -> Policy:
        return ValueOfInformation(30.0)


class TestMixture(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        k = world.quality.shape[1]
        cascade = ThresholdCascade(tuple(reversed(range(k))), (0.7,) * (k - 1))
        return Mixture(Routing(30.0), cascade, 0.4)


class TestOracle(PolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Oracle(AnswerKey(world.post_hoc), AnswerKey(world.cost), 20.0)


def test_every_kind_of_policy_is_held_to_the_contract() -> None:
    world = World.of(4)
    suites = [
        item for item in globals().values() if isinstance(item, type) and item.__name__.startswith("Test")
    ]
    kinds = {entry_of(type(suite().policy_for(world))).name for suite in suites}
    built_in = {name for name, item in registered("policy").items() if item.distribution == "penstock"}
    assert kinds == {*built_in, "oracle"}


def test_an_oracle_is_never_written_down() -> None:
    world = World.of(2)
    quality, cost = AnswerKey(world.quality), AnswerKey(world.cost)
    with pytest.raises(InputError, match="evaluation only"):
        Oracle(quality, cost, 1.0).spec()
    with pytest.raises(InputError, match="evaluation only"):
        codec.encode(Mixture(Oracle(quality, cost, 1.0), Fixed(0), 0.5))
    with pytest.raises(InputError, match="exactly the rows"):
        Oracle(AnswerKey(quality[:3]), AnswerKey(cost[:3]), 1.0).step(world.begin())


@dataclass(frozen=True)
class Fickle(Policy):
    """Chooses again after every answer although it promised to accept it."""

    def step(self, state: State) -> Step:
        return call_or_accept(where_eligible(np.full(len(state), -1), state), state)

    def final_call(self, state: State, column: int) -> bool:
        return True


@dataclass(frozen=True)
class Reckless(Fickle):
    """Calls whom it may not call."""

    def step(self, state: State) -> Step:
        return call_or_accept(np.zeros(len(state), dtype=int), state)


@dataclass(frozen=True)
class Meddler(Fickle):
    """Writes into the state it was shown."""

    def step(self, state: State) -> Step:
        state.quality[:] = 0.0
        return super().step(state)


def test_the_contract_catches_who_breaks_it() -> None:
    class Suite(ServedPolicyContract):
        policy: Policy = Fickle()

        def policy_for(self, world: World) -> Policy:
            return self.policy

    suite = Suite()
    narrow = World.of(4, seed=1, eligible=0.5)
    with pytest.raises(AssertionError):
        suite.test_a_final_call_is_accepted_whatever_it_answers(narrow)
    suite.policy = Reckless()
    with pytest.raises(AssertionError, match="ineligible"):
        suite.test_eligibility_is_respected(narrow)
    suite.policy = Meddler()
    with pytest.raises(ValueError, match="read-only"):
        suite.test_the_state_is_not_changed(narrow)
