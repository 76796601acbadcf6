"""Looking ahead, held to the policy contract on states in which answers are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from penstock.core.agreement import Laws, Sight
from penstock.errors import InputError
from penstock.estimators.agreement.model import ConsensusOutlook
from penstock.policies.base import Policy
from penstock.policies.lookahead import Lookahead
from penstock.policies.routing import Routing
from penstock.router.replay import replay
from penstock.router.set_beliefs import ConsensusBeliefs
from penstock.state import State
from penstock.testing.policies import ServedPolicyContract, World
from penstock.types import IntArray


def outlook_of(n: int, k: int, seed: int = 0) -> ConsensusOutlook:
    rng = np.random.default_rng(seed)
    laws = Laws(
        rng.normal(0.5, 1.0, (1, k, 4)),
        np.full((1, 4), 0.25),
        rng.uniform(0.5, 4.0, (1, 4)),
        np.array([0.05]),
    )
    ex_ante = rng.uniform(0.1, 0.9, (n, k))
    sight = Sight(
        np.log(ex_ante / (1 - ex_ante)),
        rng.integers(0, 3, (n, k)),
        rng.normal(0, 0.3, (n, k)),
        np.zeros(n, dtype=np.int64),
    )
    return ConsensusOutlook(laws, sight, ex_ante)


@dataclass(frozen=True)
class ComparedWorld(World):
    """A world in which an answer moves everybody's estimate."""

    def _outlook(self) -> ConsensusOutlook:
        return outlook_of(*self.quality.shape)

    def begin(self) -> State:
        state = super().begin()
        outlook = self._outlook()
        return replace(state, quality=outlook.believe(state.executed), outlook=outlook, spread=None)

    def after(self, state: State, call: IntArray) -> State:
        rows = np.flatnonzero(call >= 0)
        executed = state.executed.copy()
        executed[rows, call[rows]] = True
        assert isinstance(state.outlook, ConsensusOutlook)
        return replace(state, executed=executed, quality=state.outlook.believe(executed))

    @property
    def beliefs(self) -> ConsensusBeliefs:  # type: ignore[override]
        return ConsensusBeliefs(self._outlook(), self.cost, self.draw)


class TestCompared(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Lookahead(10.0)

    @pytest.fixture(params=[1, 2, 4], ids=lambda k: f"{k}-candidates")
    def world(self, request: pytest.FixtureRequest) -> World:
        return ComparedWorld(**vars(World.of(int(request.param))))

    @pytest.fixture(params=[1, 2, 4], ids=lambda k: f"{k}-candidates")
    def narrow(self, request: pytest.FixtureRequest) -> World:
        return ComparedWorld(**vars(World.of(int(request.param), seed=1, eligible=0.5)))


class TestComparedTwice(TestCompared):
    def policy_for(self, world: World) -> Policy:
        return Lookahead(0.0, runs=2)


def test_without_looks_it_routes() -> None:
    world = World.of(4, seed=3)
    steps = [policy.step(world.begin()) for policy in (Lookahead(40.0), Routing(40.0))]
    state = world.begin()
    values = [state.quality[np.arange(60), s.call] - 40 * state.cost[np.arange(60), s.call] for s in steps]
    np.testing.assert_allclose(values[0], values[1])


def test_a_limit_on_runs_holds_and_dearer_prices_run_less() -> None:
    world = ComparedWorld(**vars(World.of(4)))
    spent = [
        replay(policy, world.beliefs, world.quality, world.cost).executed.sum(axis=1)
        for policy in (Lookahead(0.0), Lookahead(0.0, runs=2), Lookahead(5.0), Lookahead(1e4))
    ]
    assert spent[0].max() > 2 >= spent[1].max()
    assert spent[0].mean() > spent[2].mean() > spent[3].mean() == 1.0


@pytest.mark.parametrize("settings", [{"first": 3}, {"then": -1}, {"lam": -1.0}, {"runs": 0}])
def test_bad_settings_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Lookahead(**{"lam": 1.0, **settings})  # type: ignore[arg-type]
