"""The contract every policy keeps: subclass ``PolicyContract`` and give ``policy_for``.

::

    class TestMine(PolicyContract):
        def policy_for(self, world):
            return MyPolicy(...)

``PolicyContract`` is for whatever can be replayed; ``ServedPolicyContract`` adds what the gateway needs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from penstock.belief import OwnAnswerBelief
from penstock.policies.base import Policy, policy_from
from penstock.router.replay import replay
from penstock.state import State
from penstock.types import BoolArray, FloatArray, IntArray

ROWS = 60

_Item = TypeVar("_Item", np.float64, np.bool_)


@dataclass(frozen=True)
class World:
    """Queries with estimates before (``quality``) and after (``post_hoc``) every candidate's answer, and how
    far they are expected to move (``shift_sd``), all (n, k)."""

    quality: FloatArray
    post_hoc: FloatArray
    cost: FloatArray
    eligible: BoolArray
    draw: FloatArray
    shift_sd: FloatArray

    @classmethod
    def of(cls, k: int, *, seed: int = 0, eligible: float = 1.0) -> World:
        """Seeded; every third row has ties in quality and cost; ``eligible`` is the share of open cells."""
        rng = np.random.default_rng(seed)
        quality, cost = rng.random((ROWS, k)), rng.uniform(1e-4, 1e-2, size=(ROWS, k))
        quality[::3], cost[::3] = np.round(quality[::3], 1), np.round(cost[::3] * 500) / 500
        return cls(
            quality=quality,
            post_hoc=rng.random((ROWS, k)),
            cost=cost,
            eligible=rng.random((ROWS, k)) < eligible,
            draw=rng.random(ROWS),
            shift_sd=rng.uniform(0.0, 0.3, size=(ROWS, k)),
        )

    def begin(self) -> State:
        """Before anything was called, in arrays that refuse to be written to."""
        nothing = np.zeros(self.quality.shape, dtype=bool)
        return State(
            quality=_frozen(self.quality),
            cost=_frozen(self.cost),
            executed=_frozen(nothing),
            eligible=_frozen(self.eligible),
            draw=_frozen(self.draw),
            refused=_frozen(nothing),
            confidence=_frozen(np.full(self.quality.shape, np.nan)),
            shift_sd=_frozen(self.shift_sd),
        )

    def after(self, state: State, call: IntArray) -> State:
        """What is known once the called candidates have answered."""
        rows = np.flatnonzero(call >= 0)
        return _answered(state, rows, call[rows], self.post_hoc[rows, call[rows]])

    @property
    def belief(self) -> OwnAnswerBelief:
        """The same for a replay."""
        return OwnAnswerBelief(self.quality, self.post_hoc, self.cost, self.draw, self.shift_sd)


def followed(policy: Policy, world: World) -> tuple[list[IntArray], IntArray]:
    """Every round's calls (-1 once a row is settled) and what was accepted in the end; checks every step."""
    state = world.begin()
    calls: list[IntArray] = []
    n, k = world.quality.shape
    rows = np.arange(n)
    accepted, settled = np.full(n, -1), np.zeros(n, dtype=bool)
    for _ in range(k + 1):
        with np.errstate(invalid="raise", divide="raise", over="raise"):
            step = policy.step(state)
        call, accept = np.where(settled, -1, step.call), step.accept
        assert step.call.shape == step.accept.shape == (n,)
        assert np.issubdtype(step.call.dtype, np.integer)
        assert np.issubdtype(step.accept.dtype, np.integer)
        assert ((step.call >= -1) & (step.call < k)).all(), "a candidate that is not in the pool"
        assert not ((step.call >= 0) & (accept >= 0)).any(), "a call and an acceptance at once"
        calling = call >= 0
        assert state.eligible[rows, call][calling].all(), "an ineligible candidate was called"
        assert not state.executed[rows, call][calling].any(), "a candidate was called twice"
        ending = ~calling & ~settled
        accepting = ending & (accept >= 0)
        assert state.executed[rows, accept][accepting].all(), "an answer nobody gave was accepted"
        accepted[ending] = accept[ending]
        settled |= ending
        if settled.all():
            return calls, accepted
        calls.append(call)
        state = world.after(state, call)
    raise AssertionError(f"rows {np.flatnonzero(~settled).tolist()} were not settled after {k} calls")


class PolicyContract:
    """What every policy does, over pools of one, two and four candidates."""

    def policy_for(self, world: World) -> Policy:
        """The policy under test, for a pool of ``world.quality.shape[1]`` candidates."""
        raise NotImplementedError("give the policy under test")

    @pytest.fixture(params=[1, 2, 4], ids=lambda k: f"{k}-candidates")
    def world(self, request: pytest.FixtureRequest) -> World:
        """Everybody may be called."""
        return World.of(int(request.param))

    @pytest.fixture(params=[1, 2, 4], ids=lambda k: f"{k}-candidates")
    def narrow(self, request: pytest.FixtureRequest) -> World:
        """About half of the candidates may be called, on some rows none."""
        return World.of(int(request.param), seed=1, eligible=0.5)

    def test_every_query_is_settled_by_legal_steps(self, world: World) -> None:
        _, accepted = followed(self.policy_for(world), world)
        assert (accepted >= 0).all(), "it abstained although everybody may be called"

    def test_eligibility_is_respected(self, narrow: World) -> None:
        _, accepted = followed(self.policy_for(narrow), narrow)
        served = accepted >= 0
        assert np.array_equal(served, narrow.eligible.any(axis=1)), "it serves exactly what can be served"

    def test_with_nobody_eligible_it_abstains_at_once(self, world: World) -> None:
        closed = replace(world, eligible=np.zeros_like(world.eligible))
        calls, accepted = followed(self.policy_for(world), closed)
        assert not calls
        assert (accepted == -1).all()

    def test_the_state_is_not_changed(self, world: World) -> None:
        state = world.begin()
        before = [np.copy(a) for a in (state.quality, state.cost, state.executed, state.eligible, state.draw)]
        self.policy_for(world).step(state)
        after = (state.quality, state.cost, state.executed, state.eligible, state.draw)
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))

    def test_the_same_state_gives_the_same_step(self, world: World) -> None:
        policy = self.policy_for(world)
        first, again = policy.step(world.begin()), policy.step(world.begin())
        assert np.array_equal(first.call, again.call)
        assert np.array_equal(first.accept, again.accept)

    def test_replay_follows_it(self, world: World) -> None:
        calls, accepted = followed(self.policy_for(world), world)
        replayed = replay(self.policy_for(world), world.belief, world.post_hoc, world.cost)
        executed = np.zeros(world.quality.shape, dtype=bool)
        for call in calls:
            rows = np.flatnonzero(call >= 0)
            executed[rows, call[rows]] = True
        assert np.array_equal(replayed.executed, executed)
        assert np.array_equal(replayed.accepted, accepted)


class ServedPolicyContract(PolicyContract):
    """What a policy does that is written to bundles and driven one query at a time."""

    def test_a_batch_is_its_rows_one_at_a_time(self, narrow: World) -> None:
        policy = self.policy_for(narrow)
        state = narrow.begin()
        step = policy.step(state)
        state = narrow.after(state, step.call)
        for held in (narrow.begin(), state):
            whole = policy.step(held)
            for i in range(len(held)):
                alone = policy.step(held.rows(np.array([i])))
                assert (alone.call[0], alone.accept[0]) == (whole.call[i], whole.accept[i])

    def test_it_is_rebuilt_from_its_specification(self, world: World) -> None:
        policy = self.policy_for(world)
        assert policy_from(json.loads(json.dumps(dict(policy.spec()), allow_nan=False))) == policy

    def test_a_final_call_is_accepted_whatever_it_answers(self, narrow: World) -> None:
        """``final_call`` lets the gateway stream an answer before it is complete: it must never be taken
        back."""
        policy = self.policy_for(narrow)
        for i in range(ROWS):
            state = narrow.begin().rows(np.array([i]))
            while (call := int(policy.step(state).call[0])) >= 0:
                final = policy.final_call(state, call)
                for answer in (0.0, 1.0) if final else (0.0,):
                    later = _answered(state, np.array([0]), np.array([call]), np.array([answer]))
                    if final:
                        assert int(policy.step(later).accept[0]) == call
                state = later


def _answered(state: State, rows: IntArray, columns: IntArray, quality: FloatArray) -> State:
    """The state once candidates ``columns`` have answered queries ``rows`` with estimates ``quality``."""
    known, executed, shift_sd = state.quality.copy(), state.executed.copy(), state.shift_sd
    known[rows, columns], executed[rows, columns] = quality, True
    if shift_sd is not None:
        shift_sd = shift_sd.copy()
        shift_sd[rows, columns] = 0.0
        shift_sd = _frozen(shift_sd)
    return replace(state, quality=_frozen(known), executed=_frozen(executed), shift_sd=shift_sd)


def _frozen(array: NDArray[_Item]) -> NDArray[_Item]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy
