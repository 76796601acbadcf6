"""Beliefs by executed set, driven as replay drives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from benchmarks.research.joint import crossfit_joint
from benchmarks.research.joint_signals import Signals
from estimators.worlds import world_of
from penstock.errors import InputError
from penstock.estimators.post_hoc.per_set import fit_per_set
from penstock.policies.fixed import Fixed
from penstock.router.replay import BeliefSource, replay
from penstock.router.set_beliefs import JointBeliefs, SetBeliefs, SetSource, by_set
from penstock.state import State, Step
from penstock.types import FloatArray, IntArray

WORLD = world_of(400)
COST = np.broadcast_to(np.array([1.0, 2.0, 5.0]), (400, 3)).copy()
DRAW = np.random.default_rng(0).random(400)


def set_beliefs(**settings: bool) -> SetBeliefs:
    model = fit_per_set(WORLD.answers, WORLD.ex_ante, WORLD.quality, WORLD.weight, WORLD.fold)
    return SetBeliefs(model.on_fitting_rows(), COST, DRAW, **settings)


def joint_beliefs(**settings: bool) -> JointBeliefs:
    signals = Signals.of(WORLD.ex_ante, WORLD.post_hoc, WORLD.answers)
    return JointBeliefs(crossfit_joint(signals, WORLD.quality, WORLD.fold), COST, DRAW, **settings)


BOTH = [pytest.param(set_beliefs, id="per-set"), pytest.param(joint_beliefs, id="joint")]


def states_agree(state: State, source: SetSource) -> None:
    """Every row says what the estimates say of its executed set."""
    for i, flags in enumerate(state.executed):
        executed = sum(1 << j for j in np.flatnonzero(flags).tolist())
        row = np.array([i])
        np.testing.assert_allclose(state.quality[i], source.estimates.estimate(executed, row)[0], atol=1e-12)
        assert state.spread is not None
        assert state.factor is not None
        np.testing.assert_array_equal(state.spread[i], source.estimates.spread(executed))
        np.testing.assert_array_equal(state.factor[i], source.estimates.factor(executed))


@pytest.mark.parametrize("make", BOTH)
def test_a_state_says_what_is_estimated_of_its_executed_set(make: type[SetSource]) -> None:
    source: SetSource = make()
    state = source.begin()
    assert not state.executed.any()
    assert state.eligible.all()
    states_agree(state, source)
    rng = np.random.default_rng(2)
    first: IntArray = rng.integers(0, 3, size=400)
    state = source.observe(state, np.arange(400), first)
    some = np.flatnonzero(rng.random(400) < 0.5)
    state = source.observe(state, some, (first[some] + 1) % 3)
    assert sorted(set(state.executed.sum(axis=1).tolist())) == [1, 2]
    states_agree(state, source)


@pytest.mark.parametrize("make", BOTH)
def test_the_order_of_calls_does_not_matter(make: type[SetSource]) -> None:
    source: SetSource = make()
    rows = np.arange(400)
    ends = []
    for order in ((0, 1, 2), (2, 0, 1)):
        state = source.begin()
        for j in order:
            state = source.observe(state, rows, np.full(400, j))
        ends.append(state)
    np.testing.assert_array_equal(ends[0].quality, ends[1].quality)
    assert ends[0].factor is not None
    assert not ends[0].factor.any()


@pytest.mark.parametrize("make", BOTH)
def test_covariances_can_be_left_out(make: type[SetSource]) -> None:
    state = make(spread=False, factor=False).begin()  # type: ignore[call-arg]
    assert state.spread is None
    assert state.factor is None


@dataclass(frozen=True)
class AgreeOrGoOn:
    """Asks the first two; where the first one's estimate is then low, the third."""

    bar: float

    def step(self, state: State) -> Step:
        ran = state.executed
        wanted = np.where(~ran[:, 0], 0, np.where(~ran[:, 1], 1, 2))
        stop = ran[:, 1] & ((state.quality[:, 0] >= self.bar) | ran[:, 2])
        best: IntArray = np.where(ran, state.quality, -np.inf).argmax(axis=1)
        return Step(np.where(stop, -1, wanted), np.where(stop, best, -1))

    def spec(self) -> dict[str, object]:
        return {}


@pytest.mark.parametrize("make", BOTH)
def test_replay_drives_it(make: type[SetSource]) -> None:
    source: BeliefSource = make()
    found = replay(AgreeOrGoOn(0.8), source, WORLD.quality, COST)
    single = replay(Fixed(0), source, WORLD.quality, COST)
    assert found.executed[:, :2].all()
    assert 0.05 < found.executed[:, 2].mean() < 0.95
    assert found.quality.mean() > single.quality.mean() + 0.1
    again = replay(AgreeOrGoOn(0.8), make(), WORLD.quality, COST)
    np.testing.assert_array_equal(found.accepted, again.accepted)


@pytest.mark.parametrize("make", BOTH)
def test_a_state_of_some_rows_is_left_whole(make: type[SetSource]) -> None:
    source: SetSource = make()
    before = source.begin()
    after = source.observe(source.begin(), np.array([3, 5]), np.array([0, 2]))
    untouched = np.setdiff1d(np.arange(400), [3, 5])
    np.testing.assert_array_equal(before.quality[untouched], after.quality[untouched])
    assert not np.array_equal(before.quality[[3, 5]], after.quality[[3, 5]])


def test_rows_are_grouped_by_set() -> None:
    flags = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    assert [(mask, rows.tolist()) for mask, rows in by_set(flags)] == [(0, [1]), (2, [3]), (5, [0, 2])]


@pytest.mark.parametrize(
    ("cost", "says"),
    [(COST[:10], "do not belong"), (COST * np.nan, "not a number"), (COST * -1, "negative")],
)
def test_bad_costs_are_one_clear_error(cost: FloatArray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        SetBeliefs(set_beliefs().estimates, cost, DRAW)
