"""What the sequential policies become in special cases (De Koninck et al. 2025; docs/references.md), on
replayed queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penstock.belief import Observation, OwnAnswerBelief, observed
from penstock.codec import take
from penstock.core.draws import normal_draws
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade, thresholds_for
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.index import Index
from penstock.policies.mixture import Mixture
from penstock.policies.routing import Routing
from penstock.router.replay import Replayed, replay
from penstock.state import State, Step
from penstock.testing.policies import World
from penstock.types import BoolArray, FloatArray

LAMBDAS = st.sampled_from([0.0, 3.0, 10.0, 30.0, 50.0, 100.0, 1000.0])
SEEDS = st.integers(0, 10_000)


def outcome(policy: Policy, belief: OwnAnswerBelief) -> Replayed:
    return replay(policy, belief, belief.post_hoc, belief.cost)


def same(a: Replayed, b: Replayed) -> bool:
    return np.array_equal(a.executed, b.executed) and np.array_equal(a.accepted, b.accepted)


@given(seed=SEEDS, lam=LAMBDAS, k=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_one_candidate_per_query_is_routing(seed: int, lam: float, k: int) -> None:
    """Whatever the spread: the expected maximum of one candidate is its mean."""
    belief = World.of(k, seed=seed).belief
    routed = outcome(Routing(lam), belief)
    assert same(outcome(CascadeRouting((lam,), max_depth=1), belief), routed)


@given(seed=SEEDS, lam=LAMBDAS, k=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_without_variance_the_first_step_is_routing(seed: int, lam: float, k: int) -> None:
    state = World.of(k, seed=seed).begin()
    routed = Routing(lam).step(state).call
    for policy in (
        CascadeRouting((lam,), kappa=0.0),
        CascadeRouting((lam,), expect=False),
        CascadeRouting((lam,), expect=False, greedy=True),
        CascadeRouting((lam,)),
        Index(lam, kappa=0.0),
    ):
        held = replace(state, shift_sd=None) if policy == CascadeRouting((lam,)) else state
        assert np.array_equal(policy.step(held).call, routed)


@given(seed=SEEDS, lam=LAMBDAS)
@settings(max_examples=20, deadline=None)
def test_no_expect_is_no_variance_to_the_end(seed: int, lam: float) -> None:
    belief = World.of(4, seed=seed).belief
    still = outcome(CascadeRouting((lam,), kappa=0.0), belief)
    assert same(outcome(CascadeRouting((lam,), expect=False), belief), still)


@dataclass(frozen=True)
class Written(Policy):
    """The algorithm of Theorem 3 for one query at a time, over the sets that ``choices`` offers."""

    lams: tuple[float, ...]
    choices: Callable[[frozenset[int], int], list[tuple[int, ...]]]
    depth: int
    draws: FloatArray
    ordered: bool = False

    def step(self, state: State) -> Step:
        steps = [self._one(state.rows(np.array([i]))) for i in range(len(state))]
        return Step(np.array([s[0] for s in steps]), np.array([s[1] for s in steps]))

    def _one(self, state: State) -> tuple[int, int]:
        assert state.shift_sd is not None
        mean, cost, run = state.quality[0], state.cost[0], frozenset(np.flatnonzero(state.executed[0]))
        noise = mean + state.shift_sd[0] * self.draws
        lam = self.lams[min(len(run), len(self.lams) - 1)]
        sets = [s for s in self.choices(run, len(mean)) if len(s) <= self.depth]
        tau = [noise[:, s].max(axis=1).mean() - lam * cost[list(s)].sum() for s in sets]
        best = max(tau)
        equal = [s for s, t in zip(sets, tau, strict=True) if t >= best - 1e-9]
        chosen = frozenset(min(equal, key=lambda s: (cost[list(s)].sum(), len(s))))
        if chosen == run:
            return -1, max(run, key=lambda i: (mean[i], -cost[i]))
        rest = chosen - run
        return (min(rest) if self.ordered else min(rest, key=lambda i: cost[i])), -1


def supersets(run: frozenset[int], k: int) -> list[tuple[int, ...]]:
    sets = [s for size in range(1, k + 1) for s in combinations(range(k), size)]
    return [s for s in sets if run <= set(s)]


def prefixes(run: frozenset[int], k: int) -> list[tuple[int, ...]]:
    return [tuple(range(i)) for i in range(max(1, len(run)), k + 1)]


def untied(seed: int, k: int) -> OwnAnswerBelief:
    rng = np.random.default_rng(seed)
    n = 40
    return OwnAnswerBelief(
        rng.random((n, k)),
        rng.random((n, k)),
        rng.uniform(1e-3, 1e-2, (n, k)),
        rng.random(n),
        rng.uniform(0.05, 0.4, (n, k)),
    )


@pytest.mark.parametrize("lams", [(0.0,), (10.0,), (40.0, 5.0), (1.0, 60.0, 3.0)])
@pytest.mark.parametrize("depth", [2, 5])
def test_cascade_routing_is_the_algorithm_as_written(lams: tuple[float, ...], depth: int) -> None:
    belief = untied(1, 4)
    written = Written(lams, supersets, depth, normal_draws(128, 4))
    found = outcome(CascadeRouting(lams, max_depth=depth), belief)
    assert same(found, outcome(written, belief))
    if lams == (10.0,):
        assert len(set(found.executed.sum(axis=1).tolist())) > 1, "all stop alike: this shows little"


@pytest.mark.parametrize("lams", [(0.0,), (10.0,), (40.0, 5.0), (1.0, 60.0, 3.0)])
@pytest.mark.parametrize("depth", [2, 5])
def test_over_prefixes_alone_it_is_the_optimal_cascade(lams: tuple[float, ...], depth: int) -> None:
    belief = untied(2, 4)
    written = Written(lams, prefixes, depth, normal_draws(128, 4), ordered=True)
    found = outcome(OptimalCascade((0, 1, 2, 3), lams, max_depth=depth), belief)
    assert same(found, outcome(written, belief))


@given(seed=SEEDS, lam=st.sampled_from([0.02, 0.05, 0.2, 0.5, 1.0]), k=st.integers(2, 5))
@example(seed=0, lam=0.05, k=4)
@settings(max_examples=60, deadline=None)
def test_under_the_conditions_of_c3_it_is_the_threshold_cascade(seed: int, lam: float, k: int) -> None:
    """Fixed costs, fixed estimates of what has not run, and a set worth what its last member is: later
    members are the better ones, before and after they have answered."""
    rng = np.random.default_rng(seed)
    n = 50
    mean, cost = np.sort(rng.uniform(0.2, 0.9, k)), rng.uniform(0.1, 1.0, k)
    post_hoc = np.sort(rng.random((n, k)), axis=1)
    belief = OwnAnswerBelief(np.tile(mean, (n, 1)), post_hoc, np.tile(cost, (n, 1)), rng.random(n))
    chain = tuple(range(k))
    thresholds = ThresholdCascade(chain, thresholds_for(lam, mean, cost))
    found = outcome(OptimalCascade(chain, (lam,), kappa=0.0), belief)
    assert same(found, outcome(thresholds, belief))
    if (seed, lam, k) == (0, 0.05, 4):
        assert len(set(found.executed.sum(axis=1).tolist())) > 1, "all stop alike: this shows nothing"


@given(gamma=st.floats(0.0, 1.0), seed=st.integers(0, 100), lam=st.sampled_from([10.0, 30.0, 50.0]))
@settings(max_examples=30, deadline=None)
def test_a_mixture_draws_once_per_query(gamma: float, seed: int, lam: float) -> None:
    """Every query follows one branch from its first step to its last (D7)."""
    belief = World.of(4, seed=seed).belief
    cheap, expensive = (
        CascadeRouting((3 * lam, lam)),
        CascadeRouting((lam, lam / 3), prefer_expensive=True),
    )
    mixed = outcome(Mixture(cheap, expensive, gamma), belief)
    low, high = outcome(cheap, belief), outcome(expensive, belief)
    first = belief.draw < gamma
    assert np.array_equal(mixed.executed, np.where(first[:, None], low.executed, high.executed))
    assert np.array_equal(mixed.accepted, np.where(first, low.accepted, high.accepted))


def test_the_mixture_costs_gamma_of_the_cheap_branch() -> None:
    """E[cost] = gamma B- + (1 - gamma) B+, off the midpoint: an inverted gamma would fail."""
    one = take(World.of(4, seed=5).belief, np.full(1000, 7))
    belief = replace(one, draw=(np.arange(1000) + 0.5) / 1000)
    cheap, expensive = CascadeRouting((1000.0,)), CascadeRouting((1.0,))
    low, high = (outcome(p, belief).cost.mean() for p in (cheap, expensive))
    assert high > 1.5 * low
    for gamma in (0.2, 0.85):
        mixed = outcome(Mixture(cheap, expensive, gamma), belief).cost.mean()
        assert mixed == pytest.approx(gamma * low + (1 - gamma) * high, rel=1e-9)


def doubled(belief: OwnAnswerBelief) -> OwnAnswerBelief:
    """Every candidate twice."""
    assert belief.shift_sd is not None
    arrays = (belief.ex_ante, belief.post_hoc, belief.cost, belief.shift_sd)
    ex_ante, post_hoc, cost, shift_sd = (np.repeat(a, 2, axis=1) for a in arrays)
    return OwnAnswerBelief(ex_ante, post_hoc, cost, belief.draw, shift_sd)


@dataclass(frozen=True)
class Twins:
    """A belief in which candidates 2i and 2i + 1 are one candidate: their moves are the same."""

    belief: OwnAnswerBelief

    def begin(self, eligible: BoolArray | None = None) -> State:
        state = self.belief.begin(eligible)
        assert state.shift_sd is not None
        n, k = state.quality.shape
        shift_sqrt = np.zeros((n, k, k))
        for j in range(k):
            shift_sqrt[:, j, j - j % 2] = state.shift_sd[:, j]
        return replace(state, shift_sqrt=shift_sqrt)

    def observe(self, state: State, seen: Observation) -> State:
        assert state.shift_sqrt is not None
        for column in (seen.columns, seen.columns ^ 1):
            state.quality[seen.rows, column] = self.belief.post_hoc[seen.rows, column]
            state.shift_sqrt[seen.rows, column] = 0.0
        return observed(state, seen)


@pytest.mark.parametrize("lam", [5.0, 20.0])
def test_a_duplicate_is_never_run_where_it_is_known_to_be_one(lam: float) -> None:
    belief = untied(3, 3)
    alone = outcome(CascadeRouting((lam,)), belief)
    twins = Twins(doubled(belief))
    pair = replay(CascadeRouting((lam,)), twins, twins.belief.post_hoc, twins.belief.cost)
    both = pair.executed[:, ::2] & pair.executed[:, 1::2]
    assert not both.any()
    # the draws differ with the size of the pool, so decisions by a hair may
    agree = ((pair.executed[:, ::2] | pair.executed[:, 1::2]) == alone.executed).all(axis=1)
    assert agree.mean() > 0.9
    assert alone.executed.sum() > len(alone.executed)


@pytest.mark.parametrize(
    "policy",
    [Routing(20.0), CascadeRouting((20.0,)), OptimalCascade((0, 1, 2, 3), (20.0,)), Index(20.0)],
    ids=lambda p: str(p.spec()["kind"]),
)
def test_a_free_candidate_and_duplicates_are_legal(policy: Policy) -> None:
    base = untied(4, 2)
    belief = doubled(base)
    cost = belief.cost.copy()
    cost[:, :2] = 0.0
    free = replace(belief, cost=cost)
    done = outcome(policy, free)
    assert (done.accepted >= 0).all()
    assert np.isfinite(done.cost).all()
    if not isinstance(policy, Routing):
        # a free look at a moving estimate is always worth taking
        worth = free.ex_ante[:, 0] > free.ex_ante[:, 2:].max(axis=1)
        assert done.executed[worth, 0].all()


@pytest.mark.parametrize("k", [1])
def test_a_pool_of_one_is_that_one(k: int) -> None:
    belief = untied(5, k)
    for policy in (CascadeRouting((1e6,)), OptimalCascade((0,), (1e6,)), Index(1e6), Index(0.0)):
        done = outcome(policy, belief)
        assert (done.accepted == 0).all()
        assert np.array_equal(done.cost, belief.cost[:, 0])
