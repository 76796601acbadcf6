"""Beliefs by executed set, driven as replay drives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from benchmarks.research.joint import crossfit_joint
from benchmarks.research.joint_signals import Signals
from penstock.belief import Answered, Belief, Failed
from penstock.errors import InputError
from penstock.estimators.post_hoc.per_set import fit_per_set
from penstock.estimators.post_hoc.set_belief import SetBelief, by_set
from penstock.policies.base import Policy
from penstock.policies.fixed import Fixed
from penstock.router.replay import replay
from penstock.state import State, Step
from penstock.types import FloatArray, IntArray
from tests.estimators.post_hoc.worlds import world_of

WORLD = world_of(400)
COST = np.broadcast_to(np.array([1.0, 2.0, 5.0]), (400, 3)).copy()
DRAW = np.random.default_rng(0).random(400)


def set_beliefs(**settings: bool) -> SetBelief:
    model = fit_per_set(WORLD.answers, WORLD.ex_ante, WORLD.quality, WORLD.weight, WORLD.fold)
    return SetBelief(model.on_fitting_rows(), COST, DRAW, **settings)


def joint_beliefs(**settings: bool) -> SetBelief:
    signals = Signals.of(WORLD.ex_ante, WORLD.post_hoc, WORLD.answers)
    return SetBelief(crossfit_joint(signals, WORLD.quality, WORLD.fold), COST, DRAW, **settings)


BOTH = [pytest.param(set_beliefs, id="per-set"), pytest.param(joint_beliefs, id="joint")]


def states_agree(state: State, source: SetBelief) -> None:
    """Every row says what the estimates say of its executed set."""
    for i, flags in enumerate(state.executed):
        executed = sum(1 << j for j in np.flatnonzero(flags).tolist())
        row = np.array([i])
        np.testing.assert_allclose(state.quality[i], source.estimates.estimate(executed, row)[0], atol=1e-12)
        assert state.shift_sd is not None
        assert state.shift_sqrt is not None
        np.testing.assert_array_equal(state.shift_sd[i], source.estimates.shift_sd(executed))
        np.testing.assert_array_equal(state.shift_sqrt[i], source.estimates.shift_sqrt(executed))


@pytest.mark.parametrize("make", BOTH)
def test_a_state_says_what_is_estimated_of_its_executed_set(make: type[SetBelief]) -> None:
    source: SetBelief = make()
    state = source.begin()
    assert not state.executed.any()
    assert state.eligible.all()
    states_agree(state, source)
    rng = np.random.default_rng(2)
    first: IntArray = rng.integers(0, 3, size=400)
    state = source.observe(state, Answered(np.arange(400), first))
    some = np.flatnonzero(rng.random(400) < 0.5)
    state = source.observe(state, Answered(some, (first[some] + 1) % 3))
    assert sorted(set(state.executed.sum(axis=1).tolist())) == [1, 2]
    states_agree(state, source)


@pytest.mark.parametrize("make", BOTH)
def test_the_order_of_calls_does_not_matter(make: type[SetBelief]) -> None:
    source: SetBelief = make()
    rows = np.arange(400)
    ends = []
    for order in ((0, 1, 2), (2, 0, 1)):
        state = source.begin()
        for j in order:
            state = source.observe(state, Answered(rows, np.full(400, j)))
        ends.append(state)
    np.testing.assert_array_equal(ends[0].quality, ends[1].quality)
    assert ends[0].shift_sqrt is not None
    assert not ends[0].shift_sqrt.any()


@pytest.mark.parametrize("make", BOTH)
def test_covariances_can_be_left_out(make: type[SetBelief]) -> None:
    state = make(shift_sd=False, shift_sqrt=False).begin()  # type: ignore[call-arg]
    assert state.shift_sd is None
    assert state.shift_sqrt is None


@dataclass(frozen=True)
class AgreeOrGoOn(Policy):
    """Asks the first two; where the first one's estimate is then low, the third."""

    bar: float

    def step(self, state: State) -> Step:
        ran = state.executed
        wanted = np.where(~ran[:, 0], 0, np.where(~ran[:, 1], 1, 2))
        stop = ran[:, 1] & ((state.quality[:, 0] >= self.bar) | ran[:, 2])
        best: IntArray = np.where(ran, state.quality, -np.inf).argmax(axis=1)
        return Step(np.where(stop, -1, wanted), np.where(stop, best, -1))


@pytest.mark.parametrize("make", BOTH)
def test_replay_drives_it(make: type[SetBelief]) -> None:
    source: Belief = make()
    found = replay(AgreeOrGoOn(0.8), source, WORLD.quality, COST)
    single = replay(Fixed(0), source, WORLD.quality, COST)
    assert found.executed[:, :2].all()
    assert 0.05 < found.executed[:, 2].mean() < 0.95
    assert found.quality.mean() > single.quality.mean() + 0.1
    again = replay(AgreeOrGoOn(0.8), make(), WORLD.quality, COST)
    np.testing.assert_array_equal(found.accepted, again.accepted)


@pytest.mark.parametrize("make", BOTH)
def test_a_state_of_some_rows_is_left_whole(make: type[SetBelief]) -> None:
    source: SetBelief = make()
    before = source.begin()
    after = source.observe(source.begin(), Answered(np.array([3, 5]), np.array([0, 2])))
    untouched = np.setdiff1d(np.arange(400), [3, 5])
    np.testing.assert_array_equal(before.quality[untouched], after.quality[untouched])
    assert not np.array_equal(before.quality[[3, 5]], after.quality[[3, 5]])


def test_who_could_not_be_asked_tells_nothing() -> None:
    source = set_beliefs()
    before = source.begin(np.tile([True, True, False], (400, 1)))
    after = source.observe(before, Failed(np.array([3]), np.array([0])))
    assert after.eligible[3].tolist() == [False, True, False]
    assert after.eligible[4].tolist() == [True, True, False]
    assert not after.executed.any()
    np.testing.assert_array_equal(after.quality, source.begin().quality)


def test_rows_are_grouped_by_set() -> None:
    flags = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    assert [(mask, rows.tolist()) for mask, rows in by_set(flags)] == [(0, [1]), (2, [3]), (5, [0, 2])]


@pytest.mark.parametrize(
    ("cost", "says"),
    [(COST[:10], "do not belong"), (COST * np.nan, "not a number"), (COST * -1, "negative")],
)
def test_bad_costs_are_one_clear_error(cost: FloatArray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        SetBelief(set_beliefs().estimates, cost, DRAW)
