"""Looking ahead, held to the policy contract on states in which answers are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from penstock.core.agreement import AgreementParams, Evidence
from penstock.errors import InputError
from penstock.estimators.agreement.model import AgreementBelief, AgreementLookahead
from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.lookahead import DEEP_ROWS, POINTS, ValueOfInformation
from penstock.policies.routing import Routing
from penstock.router.replay import replay
from penstock.state import State
from penstock.testing.policies import ServedPolicyContract, World
from penstock.types import IntArray


def lookahead_of(n: int, k: int, seed: int = 0) -> AgreementLookahead:
    rng = np.random.default_rng(seed)
    params = AgreementParams(
        rng.normal(0.5, 1.0, (1, k, 4)),
        np.full((1, 4), 0.25),
        rng.uniform(0.5, 4.0, (1, 4)),
        np.array([0.05]),
    )
    ex_ante = rng.uniform(0.1, 0.9, (n, k))
    evidence = Evidence(
        np.log(ex_ante / (1 - ex_ante)),
        rng.integers(0, 3, (n, k)),
        rng.normal(0, 0.3, (n, k)),
        np.zeros(n, dtype=np.int64),
    )
    return AgreementLookahead(params, evidence, ex_ante)


@dataclass(frozen=True)
class ComparedWorld(World):
    """A world in which an answer moves everybody's estimate."""

    def _lookahead(self) -> AgreementLookahead:
        return lookahead_of(*self.quality.shape)

    def begin(self) -> State:
        state = super().begin()
        model = self._lookahead()
        quality = model.posterior(state.executed)
        return replace(state, quality=quality, lookahead_model=model, shift_sd=None)

    def after(self, state: State, call: IntArray) -> State:
        rows = np.flatnonzero(call >= 0)
        executed = state.executed.copy()
        executed[rows, call[rows]] = True
        assert isinstance(state.lookahead_model, AgreementLookahead)
        return replace(state, executed=executed, quality=state.lookahead_model.posterior(executed))

    @property
    def belief(self) -> AgreementBelief:  # type: ignore[override]
        return AgreementBelief(self._lookahead(), self.cost, self.draw)


class TestCompared(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return ValueOfInformation(10.0)

    @pytest.fixture(params=[1, 2, 4], ids=lambda k: f"{k}-candidates")
    def world(self, request: pytest.FixtureRequest) -> World:
        return ComparedWorld(**vars(World.of(int(request.param))))

    @pytest.fixture(params=[1, 2, 4], ids=lambda k: f"{k}-candidates")
    def narrow(self, request: pytest.FixtureRequest) -> World:
        return ComparedWorld(**vars(World.of(int(request.param), seed=1, eligible=0.5)))


class TestComparedTwice(TestCompared):
    def policy_for(self, world: World) -> Policy:
        return ValueOfInformation(0.0, max_calls=2)


def test_without_looks_it_routes() -> None:
    world = World.of(4, seed=3)
    steps = [policy.step(world.begin()) for policy in (ValueOfInformation(40.0), Routing(40.0))]
    state = world.begin()
    values = [state.quality[np.arange(60), s.call] - 40 * state.cost[np.arange(60), s.call] for s in steps]
    np.testing.assert_allclose(values[0], values[1])


def test_a_limit_on_calls_holds_and_higher_prices_call_less() -> None:
    world = ComparedWorld(**vars(World.of(4)))
    spent = [
        replay(policy, world.belief, world.quality, world.cost).executed.sum(axis=1)
        for policy in (
            ValueOfInformation(0.0),
            ValueOfInformation(0.0, max_calls=2),
            ValueOfInformation(5.0),
            ValueOfInformation(1e4),
        )
    ]
    assert spent[0].max() > 2 >= spent[1].max()
    assert spent[0].mean() > spent[2].mean() > spent[3].mean() == 1.0


@pytest.mark.parametrize("settings", [{"first": 3}, {"then": -1}, {"lam": -1.0}, {"max_calls": 0}])
def test_bad_settings_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InputError):
        ValueOfInformation(**{"lam": 1.0, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(("rows", "depths"), [(100, {1, 2}), (DEEP_ROWS, {1, 2}), (DEEP_ROWS + 1, {1})])
def test_a_second_look_is_tried_where_it_can_be_afforded(rows: int, depths: set[int]) -> None:
    quality, cost = np.random.default_rng(0).random((rows, 3)), np.tile([1.0, 2.0, 4.0], (rows, 1))
    seen = TuningEvidence(quality, quality, cost, quality.mean(axis=0), cost.mean(axis=0))
    policies = [p for p in ValueOfInformation.search_space(seen) if isinstance(p, ValueOfInformation)]
    assert {p.then for p in policies} == depths
    prices = [{p.lam for p in policies if p.then == then} for then in depths]
    assert all(len(p) >= POINTS - 1 for p in prices)
    assert all(p == prices[0] for p in prices)
