"""The index policy against dynamic programming, one contract over NumPy and numba."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core._jit import installed
from penstock.core.index import index_step
from penstock.core.reservation import reservation_values
from penstock.core.routing import route

from .discrete import Instance, random_instance

PATHS = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not installed(), reason="numba is not installed")),
]


def index_policy(instance, *, plan_runs, cap=1.0, compiled=False):
    """The kernel as a policy of an instance: every executed candidate's quality is the best one's."""

    def policy(mask, best):
        n = len(best)
        done = (mask >> np.arange(instance.k)) & 1 > 0
        mean = np.where(done, best[:, None], instance.mean)
        sd = np.broadcast_to(instance.sd, mean.shape)
        executed = np.full(n, mask, dtype=np.int64)
        return index_step(mean, sd, instance.price, executed, 1.0, cap=cap, runs=plan_runs, compiled=compiled)

    return policy


@pytest.mark.parametrize("cap", [1.0, None])
def test_without_a_limit_it_is_the_optimal_adaptive_policy(cap):
    for seed in range(12):
        instance = Instance(*random_instance(seed), cap=cap)
        best = instance.optimum(4)
        got = instance.value_of(index_policy(instance, plan_runs=None, cap=cap), 4)
        assert got == pytest.approx(best, abs=2e-4)


def losses(runs, *, plan_runs, **family):
    """What a policy planned for ``plan_runs`` loses to dynamic programming when ``runs`` are allowed."""
    lost = []
    for seed in range(40):
        instance = Instance(*random_instance(seed, k=5, **family), points=161)
        policy = index_policy(instance, plan_runs=plan_runs)
        lost.append(instance.optimum(runs) - instance.value_of(policy, runs))
    return np.array(lost)


@pytest.mark.parametrize("family", [{}, {"spread": 0.3, "dearest": 0.1}])
@pytest.mark.parametrize("runs", [1, 2, 3])
def test_with_a_limit_it_is_within_0016_of_dynamic_programming_nearly_always(runs, family):
    lost = losses(runs, plan_runs=runs, **family)
    assert lost.min() > -1e-9
    assert np.quantile(lost, 0.95) <= 0.0016
    assert lost.max() <= 0.01
    assert lost.mean() <= 0.0003
    # the plain index knows nothing of the limit and is stopped by it
    assert losses(runs, plan_runs=None, **family).mean() > 10 * lost.mean()


def test_one_run_is_routing_on_what_can_exist():
    rng = np.random.default_rng(4)
    n, k = 300, 6
    mean, sd, cost = rng.normal(0.4, 0.2, (n, k)), rng.uniform(0, 0.3, (n, k)), rng.uniform(0.1, 3, (n, k))
    none = np.zeros(n, dtype=np.int64)
    choice = index_step(mean, sd, cost, none, 0.2, cap=None, runs=1)
    # nothing is capped, so a look is worth its mean; sd bends z, the limit of one run must not
    same = choice == route(mean, cost, 0.2)
    score = mean - 0.2 * cost
    lost = score.max(axis=1) - score[np.arange(n), choice]
    assert same.mean() > 0.97
    assert lost.max() < 2e-3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 7), st.booleans())
def test_without_variance_the_first_step_is_routing(seed, k, dear):
    rng = np.random.default_rng(seed)
    mean, cost = rng.integers(0, 5, (20, k)) / 5.0, rng.integers(0, 4, (20, k)) / 4.0
    lam = float(rng.choice([0.0, 0.8, 1.6]))
    none = np.zeros(20, dtype=np.int64)
    choice = index_step(mean, np.zeros((20, k)), cost, none, lam, dear=dear)
    np.testing.assert_array_equal(choice, route(mean, cost, lam, dear=dear))
    # what was run is as good as it was thought to be, so nothing more pays
    executed = np.int64(1) << choice
    assert (index_step(mean, np.zeros((20, k)), cost, executed, lam) == -1).all()


@pytest.mark.parametrize("compiled", PATHS)
def test_runs_the_largest_reservation_value_and_stops_at_it(compiled):
    mean, sd, cost = np.array([[0.5, 0.6, 0.4]]), np.array([[0.3, 0.05, 0.5]]), np.array([[0.1, 0.1, 0.2]])
    z = reservation_values(mean, sd, 0.5 * cost, cap=1.0)[0]
    order = np.argsort(-z)
    args = {"lam": 0.5, "compiled": compiled}
    assert index_step(mean, sd, cost, np.array([0]), **args) == order[0]
    for offset, answer in ((-1e-6, order[1]), (1e-6, -1)):
        seen = mean.copy()
        seen[0, order[0]] = z[order[1]] + offset
        assert index_step(seen, sd, cost, np.array([1 << order[0]]), **args) == answer


@pytest.mark.parametrize("compiled", PATHS)
def test_ties(compiled):
    mean, sd = np.array([[0.5, 0.5, 0.4]]), np.zeros((1, 3))
    cost = np.array([[2.0, 2.0, 1.0]])  # at lambda 0.1 every candidate is worth 0.3
    none = np.array([0])
    assert index_step(mean, sd, cost, none, 0.1, compiled=compiled) == 2
    assert index_step(mean, sd, cost, none, 0.1, dear=True, compiled=compiled) == 0
    seen = np.array([[0.5, 0.5, 0.3]])  # a tie with what was executed: stop, or go on with the dear branch
    assert index_step(seen, sd, cost, np.array([4]), 0.1, compiled=compiled) == -1
    assert index_step(seen, sd, cost, np.array([4]), 0.1, dear=True, compiled=compiled) == 0


@pytest.mark.parametrize("compiled", PATHS)
def test_free_looks_are_taken_cheapest_first_until_nothing_better_exists(compiled):
    mean, sd, cost = np.full((1, 3), 0.5), np.full((1, 3), 0.2), np.array([[3.0, 1.0, 2.0]])
    for cap in (None, 1.0):
        order, executed, seen = [], np.array([0]), mean.copy()
        while (i := int(index_step(seen, sd, cost, executed, 0.0, cap=cap, compiled=compiled)[0])) >= 0:
            order.append(i)
            executed = executed | (1 << i)
        assert order == [1, 2, 0]
    perfect = np.array([[0.5, 1.0, 0.5]])
    assert index_step(perfect, sd, cost, np.array([2]), 0.0, cap=1.0, compiled=compiled) == -1
    assert index_step(perfect, sd, cost, np.array([2]), 0.0, cap=None, compiled=compiled) == 2


@pytest.mark.parametrize("compiled", PATHS)
def test_limit_and_eligibility(compiled):
    mean, sd, cost = np.full((1, 3), 0.5), np.full((1, 3), 0.3), np.array([[1.0, 2.0, 3.0]])
    args = {"lam": 0.001, "compiled": compiled}
    assert index_step(mean, sd, cost, np.array([1]), runs=1, **args) == -1
    assert index_step(mean, sd, cost, np.array([1]), runs=2, **args) >= 1
    assert index_step(mean, sd, cost, np.array([0]), eligible=np.array([4]), **args) == 2
    assert index_step(mean, sd, cost, np.array([4]), eligible=np.array([4]), **args) == -1
    assert index_step(mean, sd, cost, np.array([0]), eligible=np.array([0]), **args) == -1


@pytest.mark.skipif(not installed(), reason="numba is not installed")
@pytest.mark.parametrize("cap", [1.0, None])
@pytest.mark.parametrize("runs", [None, 1, 2, 4])
@pytest.mark.parametrize("dear", [False, True])
def test_both_paths_decide_alike(cap, runs, dear):
    rng = np.random.default_rng(8)
    n, k = 400, 7
    mean, cost = rng.uniform(0, 1.1, (n, k)), np.exp(rng.normal(0, 1.5, (n, k)))
    sd = rng.uniform(0, 0.5, (n, k)) * (rng.random((n, k)) < 0.9)
    executed = np.where(rng.random(n) < 0.4, 0, rng.integers(0, 1 << k, n))
    eligible = rng.integers(0, 1 << k, n)
    for lam in (0.0, 1e-12, 0.003, 0.03, 0.3, 30.0):
        both = [
            index_step(
                mean, sd, cost, executed, lam, cap=cap, runs=runs, eligible=eligible, dear=dear, compiled=c
            )
            for c in (False, True)
        ]
        np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("compiled", PATHS)
def test_more_candidates_than_bits_are_given_as_booleans(compiled):
    rng = np.random.default_rng(9)
    n, k = 50, 100
    mean, sd, cost = rng.uniform(0, 0.9, (n, k)), rng.uniform(0, 0.3, (n, k)), rng.uniform(0, 3, (n, k))
    executed, eligible = rng.random((n, k)) < 0.02, rng.random((n, k)) < 0.9
    choice = index_step(mean, sd, cost, executed, 0.05, eligible=eligible, compiled=compiled)
    z = reservation_values(mean, sd, 0.05 * cost, cap=1.0)
    z = np.where(eligible & ~executed, z, -np.inf)
    best = np.where(executed, mean, -np.inf).max(axis=1)
    np.testing.assert_array_equal(choice, np.where(z.max(axis=1) > best, z.argmax(axis=1), -1))
    few = [
        index_step(mean[:, :9], sd[:, :9], cost[:, :9], e, 0.05, compiled=compiled)
        for e in (executed[:, :9], executed[:, :9] @ (1 << np.arange(9)))
    ]
    np.testing.assert_array_equal(*few)
