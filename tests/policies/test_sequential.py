"""Every setting of the sequential policies against the contract of served policies."""

from __future__ import annotations

import pytest

from penstock.policies.base import Policy
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.index import Index
from penstock.policies.mixture import Mixture
from penstock.testing.policies import ServedPolicyContract, World


class Variants(ServedPolicyContract):
    """One suite for several policies: ``variant`` is the one at hand."""

    variant: str

    @pytest.fixture(autouse=True)
    def _name(self, variant: str) -> None:
        self.variant = variant


CASCADE_ROUTING = {
    "several-lambdas": CascadeRouting((60.0, 20.0, 5.0)),
    "free": CascadeRouting((0.0,)),
    "priced-out": CascadeRouting((1e6,)),
    "expensive": CascadeRouting((50.0,), prefer_expensive=True),
    "greedy": CascadeRouting((30.0,), greedy=True),
    "no-expect": CascadeRouting((30.0,), expect=False),
    "kappa-0": CascadeRouting((30.0,), kappa=0.0),
    "kappa-2": CascadeRouting((30.0,), kappa=2.0, draws=32),
    "depth-1": CascadeRouting((30.0,), max_depth=1),
    "depth-2-expensive": CascadeRouting((30.0, 10.0), max_depth=2, prefer_expensive=True),
}


class TestCascadeRoutingVariants(Variants):
    @pytest.fixture(params=sorted(CASCADE_ROUTING))
    def variant(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def policy_for(self, world: World) -> Policy:
        return CASCADE_ROUTING[self.variant]


class TestOptimalCascadeVariants(Variants):
    @pytest.fixture(
        params=["expensive", "kappa-0", "depth-1", "depth-2", "backwards", "over-some", "lambdas"]
    )
    def variant(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def policy_for(self, world: World) -> Policy:
        k = world.quality.shape[1]
        order = tuple(range(k))
        return {
            "expensive": OptimalCascade(order, (30.0,), prefer_expensive=True),
            "kappa-0": OptimalCascade(order, (30.0,), kappa=0.0),
            "depth-1": OptimalCascade(order, (30.0,), max_depth=1),
            "depth-2": OptimalCascade(order, (5.0,), max_depth=2),
            "backwards": OptimalCascade(order[::-1], (10.0,)),
            "over-some": OptimalCascade(order[-1:], (30.0,)),
            "lambdas": OptimalCascade(order, (50.0, 0.0, 20.0)),
        }[self.variant]


INDEX = {
    "free": Index(0.0),
    "priced-out": Index(1e6),
    "expensive": Index(50.0, prefer_expensive=True),
    "one-call": Index(30.0, max_calls=1),
    "two-calls-expensive": Index(5.0, max_calls=2, prefer_expensive=True),
    "kappa-0": Index(30.0, kappa=0.0),
    "kappa-2": Index(30.0, kappa=2.0),
    "uncapped": Index(30.0, max_quality=None),
    "uncapped-free": Index(0.0, max_quality=None),
}


class TestIndexVariants(Variants):
    @pytest.fixture(params=sorted(INDEX))
    def variant(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def policy_for(self, world: World) -> Policy:
        return INDEX[self.variant]


class TestMixtureOfSequential(ServedPolicyContract):
    def policy_for(self, world: World) -> Policy:
        return Mixture(Index(60.0), CascadeRouting((20.0,), prefer_expensive=True), 0.3)
