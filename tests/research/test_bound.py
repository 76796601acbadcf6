"""The value of the optimal policy and its bound, against dynamic programming, routing and simulation."""

import numpy as np
import pytest

from benchmarks.research.bound import optimal_value, quality_bound
from penstock.core._jit import installed
from penstock.core.index import index_step
from penstock.core.routing import solve_budget
from tests.core.discrete import Instance, random_instance

PATHS = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not installed(), reason="numba is not installed")),
]


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("cap", [1.0, None])
def test_value_is_that_of_dynamic_programming(cap, compiled):
    for seed in range(15):
        mean, sd, price = random_instance(seed)
        exact = Instance(mean, sd, price, cap=cap, points=801).optimum(4)
        value = optimal_value(mean[None], sd[None], price, 1.0, cap=cap, compiled=compiled)[0]
        assert value == pytest.approx(exact, abs=1e-3)


@pytest.mark.skipif(not installed(), reason="numba is not installed")
def test_both_paths_give_one_value():
    rng = np.random.default_rng(1)
    mean, sd = rng.uniform(0, 1, (200, 6)), rng.uniform(0, 0.4, (200, 6)) * (rng.random((200, 6)) < 0.9)
    cost = np.exp(rng.normal(0, 1, (200, 6)))
    for lam in (0.0, 0.01, 0.3, 10.0):
        fast, slow = (optimal_value(mean, sd, cost, lam, compiled=c) for c in (True, False))
        np.testing.assert_allclose(fast, slow, atol=1e-11)


def test_without_variance_the_bound_is_the_optimal_routing():
    rng = np.random.default_rng(2)
    mean, cost = rng.uniform(0, 1, (150, 4)), np.exp(rng.normal(0, 1, (150, 4)))
    budgets = np.linspace(cost.min(axis=1).mean() * 1.01, cost.mean() * 1.5, 9)
    bound = quality_bound(mean, np.zeros((150, 4)), cost, budgets)
    exact = [solve_budget(mean, cost, float(b)).quality for b in budgets]
    assert (bound >= np.array(exact) - 1e-9).all()
    np.testing.assert_allclose(bound, exact, atol=1e-3)


def test_bound_holds_for_the_index_policy_and_is_tight_where_it_is_optimal():
    rng = np.random.default_rng(3)
    n, k = 6000, 4
    mean, sd = rng.uniform(0.2, 0.8, (n, k)), rng.uniform(0.05, 0.4, (n, k))
    cost = np.geomspace(0.1, 1.0, k)
    quality = np.minimum(mean + sd * rng.standard_normal((n, k)), 1.0)
    for lam in (0.02, 0.2, 1.0):
        executed, seen = np.zeros(n, dtype=np.int64), mean.copy()
        spent = np.zeros(n)
        for _ in range(k):
            step = index_step(seen, sd, cost, executed, lam)
            rows = np.flatnonzero(step >= 0)
            seen[rows, step[rows]] = quality[rows, step[rows]]
            spent[rows] += cost[step[rows]]
            executed[rows] |= np.int64(1) << step[rows]
        done = (executed[:, None] >> np.arange(k)) & 1 > 0
        got = np.where(done, quality, -np.inf).max(axis=1)
        bound = quality_bound(mean, sd, cost, np.array([spent.mean()]))[0]
        error = got.std() / np.sqrt(n)
        assert got.mean() < bound + 4 * error
        assert got.mean() == pytest.approx(bound, abs=4 * error + 1e-3)


def test_bound_rises_with_the_budget_and_knows_what_cannot_be_met():
    rng = np.random.default_rng(4)
    mean, sd, cost = rng.uniform(0, 1, (80, 3)), np.full((80, 3), 0.2), np.array([[0.1, 0.5, 2.0]])
    bound = quality_bound(mean, sd, cost, np.array([0.05, 0.1, 0.3, 1.0, 2.6, 1e6]))
    assert bound[0] == -np.inf
    assert (np.diff(bound[1:]) >= -1e-12).all()
    assert bound[-1] == pytest.approx(optimal_value(mean, sd, cost, 0.0).mean(), abs=1e-9)
