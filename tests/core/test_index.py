"""The index policy against dynamic programming, one contract over NumPy, plain Python and numba."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core import index, scalar_index
from penstock.core._jit import installed
from penstock.core.index import index_step
from penstock.core.reservation import reservation_values
from penstock.core.routing import route

from .discrete import Instance, random_instance

PATHS = [
    "arrays",
    "scalar",
    pytest.param("numba", marks=pytest.mark.skipif(not installed(), reason="numba is not installed")),
]


def step_by(path, *args, **options):
    """``index_step`` by one implementation, whatever the number of queries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "FEW", 1 << 30 if path == "scalar" else 0)
        return index_step(*args, **options, compiled=path == "numba")


def index_policy(instance, *, plan_runs, cap=1.0, compiled=False):
    """The kernel as a policy of an instance: every executed candidate's quality is the best one's."""

    def policy(mask, best):
        n = len(best)
        done = (mask >> np.arange(instance.k)) & 1 > 0
        mean = np.where(done, best[:, None], instance.mean)
        sd = np.broadcast_to(instance.sd, mean.shape)
        executed = np.full(n, mask, dtype=np.int64)
        return index_step(
            mean, sd, instance.price, executed, 1.0, cap=cap, max_calls=plan_runs, compiled=compiled
        )

    return policy


@pytest.mark.parametrize("cap", [1.0, None])
def test_without_a_limit_it_is_the_optimal_adaptive_policy(cap):
    for seed in range(12):
        instance = Instance(*random_instance(seed), cap=cap)
        best = instance.optimum(4)
        got = instance.value_of(index_policy(instance, plan_runs=None, cap=cap), 4)
        assert got == pytest.approx(best, abs=2e-4)


def losses(max_calls, *, plan_runs, **family):
    """What a policy planned for ``plan_runs`` loses to dynamic programming when so many calls are allowed."""
    lost = []
    for seed in range(40):
        instance = Instance(*random_instance(seed, k=5, **family), points=161)
        policy = index_policy(instance, plan_runs=plan_runs)
        lost.append(instance.optimum(max_calls) - instance.value_of(policy, max_calls))
    return np.array(lost)


@pytest.mark.parametrize("family", [{}, {"spread": 0.3, "dearest": 0.1}])
@pytest.mark.parametrize("max_calls", [1, 2, 3])
def test_with_a_limit_it_is_within_0016_of_dynamic_programming_nearly_always(max_calls, family):
    lost = losses(max_calls, plan_runs=max_calls, **family)
    assert lost.min() > -1e-9
    assert np.quantile(lost, 0.95) <= 0.0016
    assert lost.max() <= 0.01
    assert lost.mean() <= 0.0003
    # the plain index knows nothing of the limit and is stopped by it
    assert losses(max_calls, plan_runs=None, **family).mean() > 10 * lost.mean()


def test_one_run_is_routing_on_what_can_exist():
    rng = np.random.default_rng(4)
    n, k = 300, 6
    mean, sd, cost = rng.normal(0.4, 0.2, (n, k)), rng.uniform(0, 0.3, (n, k)), rng.uniform(0.1, 3, (n, k))
    none = np.zeros(n, dtype=np.int64)
    choice = index_step(mean, sd, cost, none, 0.2, cap=None, max_calls=1)
    # nothing is capped, so a look is worth its mean; sd bends z, the limit of one run must not
    same = choice == route(mean, cost, 0.2)
    score = mean - 0.2 * cost
    lost = score.max(axis=1) - score[np.arange(n), choice]
    assert same.mean() > 0.97
    assert lost.max() < 2e-3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 7), st.booleans())
def test_without_variance_the_first_step_is_routing(seed, k, prefer_expensive):
    rng = np.random.default_rng(seed)
    mean, cost = rng.integers(0, 5, (20, k)) / 5.0, rng.integers(0, 4, (20, k)) / 4.0
    lam = float(rng.choice([0.0, 0.8, 1.6]))
    none = np.zeros(20, dtype=np.int64)
    choice = index_step(mean, np.zeros((20, k)), cost, none, lam, prefer_expensive=prefer_expensive)
    np.testing.assert_array_equal(choice, route(mean, cost, lam, prefer_expensive=prefer_expensive))
    # what was run is as good as it was thought to be, so nothing more pays
    executed = np.int64(1) << choice
    assert (index_step(mean, np.zeros((20, k)), cost, executed, lam) == -1).all()


@pytest.mark.parametrize("path", PATHS)
def test_runs_the_largest_reservation_value_and_stops_at_it(path):
    mean, sd, cost = np.array([[0.5, 0.6, 0.4]]), np.array([[0.3, 0.05, 0.5]]), np.array([[0.1, 0.1, 0.2]])
    z = reservation_values(mean, sd, 0.5 * cost, cap=1.0)[0]
    order = np.argsort(-z)
    args = {"lam": 0.5}
    assert step_by(path, mean, sd, cost, np.array([0]), **args) == order[0]
    for offset, answer in ((-1e-6, order[1]), (1e-6, -1)):
        seen = mean.copy()
        seen[0, order[0]] = z[order[1]] + offset
        assert step_by(path, seen, sd, cost, np.array([1 << order[0]]), **args) == answer


@pytest.mark.parametrize("path", PATHS)
def test_ties(path):
    mean, sd = np.array([[0.5, 0.5, 0.4]]), np.zeros((1, 3))
    cost = np.array([[2.0, 2.0, 1.0]])  # at lambda 0.1 every candidate is worth 0.3
    none = np.array([0])
    assert step_by(path, mean, sd, cost, none, 0.1) == 2
    assert step_by(path, mean, sd, cost, none, 0.1, prefer_expensive=True) == 0
    # a tie with what was executed: stop, or go on where the expensive side is preferred
    seen = np.array([[0.5, 0.5, 0.3]])
    assert step_by(path, seen, sd, cost, np.array([4]), 0.1) == -1
    assert step_by(path, seen, sd, cost, np.array([4]), 0.1, prefer_expensive=True) == 0


@pytest.mark.parametrize("path", PATHS)
def test_free_looks_are_taken_cheapest_first_until_nothing_better_exists(path):
    mean, sd, cost = np.full((1, 3), 0.5), np.full((1, 3), 0.2), np.array([[3.0, 1.0, 2.0]])
    for cap in (None, 1.0):
        order, executed, seen = [], np.array([0]), mean.copy()
        while (i := int(step_by(path, seen, sd, cost, executed, 0.0, cap=cap)[0])) >= 0:
            order.append(i)
            executed = executed | (1 << i)
        assert order == [1, 2, 0]
    perfect = np.array([[0.5, 1.0, 0.5]])
    assert step_by(path, perfect, sd, cost, np.array([2]), 0.0, cap=1.0) == -1
    assert step_by(path, perfect, sd, cost, np.array([2]), 0.0, cap=None) == 2


@pytest.mark.parametrize("path", PATHS)
def test_limit_and_eligibility(path):
    mean, sd, cost = np.full((1, 3), 0.5), np.full((1, 3), 0.3), np.array([[1.0, 2.0, 3.0]])
    args = {"lam": 0.001}
    assert step_by(path, mean, sd, cost, np.array([1]), max_calls=1, **args) == -1
    assert step_by(path, mean, sd, cost, np.array([1]), max_calls=2, **args) >= 1
    assert step_by(path, mean, sd, cost, np.array([0]), eligible=np.array([4]), **args) == 2
    assert step_by(path, mean, sd, cost, np.array([4]), eligible=np.array([4]), **args) == -1
    assert step_by(path, mean, sd, cost, np.array([0]), eligible=np.array([0]), **args) == -1


@pytest.mark.parametrize("path", PATHS[1:])
@pytest.mark.parametrize("cap", [1.0, None])
@pytest.mark.parametrize("max_calls", [None, 1, 2, 4])
@pytest.mark.parametrize("prefer_expensive", [False, True])
def test_every_path_decides_as_the_arrays_do(path, cap, max_calls, prefer_expensive):
    rng = np.random.default_rng(8)
    n, k = 400, 7
    mean, cost = rng.uniform(0, 1.1, (n, k)), np.exp(rng.normal(0, 1.5, (n, k)))
    sd = rng.uniform(0, 0.5, (n, k)) * (rng.random((n, k)) < 0.9)
    executed = np.where(rng.random(n) < 0.4, 0, rng.integers(0, 1 << k, n))
    eligible = rng.integers(0, 1 << k, n)
    options = {"cap": cap, "max_calls": max_calls, "eligible": eligible, "prefer_expensive": prefer_expensive}
    for lam in (0.0, 1e-12, 0.003, 0.03, 0.3, 30.0):
        both = [step_by(p, mean, sd, cost, executed, lam, **options) for p in ("arrays", path)]
        np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("path", PATHS[1:])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.integers(0, 1 << 30),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from([None, 1.0, 0.3, -0.5]),
    st.sampled_from([1e-9, 1e-3, 1.0, 1e3, 1e6]),
)
def test_every_path_decides_as_the_arrays_do_near_ties_and_far_out(
    path, seed, k, prefer_expensive, cap, scale
):
    rng = np.random.default_rng(seed)
    n = 20
    mean = rng.integers(-1, 6, (n, k)) / 4 * (1 + rng.choice([0, 1e-12, 1e-7, 1e-4], (n, k)))
    sd = rng.choice([0.0, 1e-13, 1e-11, 1e-6, 0.01, 0.2, 0.2, 3.0], (n, k))
    cost = rng.choice([0.0, 3.1e-8, 0.5, 0.5, 1.0, 40.0], (n, k))
    # of values that differ by exactly what still ties rounding decides: none of the prices makes such
    lam = rng.choice([0.0, 1.3e-8, 1e-3, 0.1, 1.0, 1e5], n)
    executed = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 1 << k, n))
    top = None if cap is None else cap * scale
    options = {
        "cap": top,
        "prefer_expensive": prefer_expensive,
        "eligible": np.array([rng.integers(1, 1 << k)]),
    }
    both = [step_by(p, mean * scale, sd * scale, cost, executed, lam, **options) for p in ("arrays", path)]
    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("cap", [1.0, 0.4, np.inf])
def test_a_scalar_reservation_value_is_that_of_the_arrays(cap):
    rng = np.random.default_rng(10)
    mean, sd = rng.normal(0.5, 0.5, 4000), rng.choice([0.0, 1e-9, 1e-3, 0.1, 0.3, 5.0], 4000)
    price = np.exp(rng.uniform(-200, 4, 4000)) * (rng.random(4000) < 0.95)
    z = reservation_values(mean, sd, price, cap=None if cap == np.inf else cap)
    scalar = [scalar_index.reservation_value(*x, cap) for x in zip(mean, sd, price, strict=True)]
    np.testing.assert_allclose(scalar, z, rtol=0, atol=1e-10)


@pytest.mark.skipif(not installed(), reason="numba is not installed")
@pytest.mark.parametrize("cap", [1.0, 0.4, np.inf])
def test_what_screens_candidates_errs_by_no_more_than_it_says(cap):
    from penstock.core._compiled_index import screen
    from penstock.core.reservation import SCREENING_ERROR

    rng = np.random.default_rng(11)
    k = 200_000
    mean, sd = rng.normal(0.5, 0.5, (1, k)), np.exp(rng.uniform(-6, 1, (1, k)))
    price = np.where(rng.random(k) < 0.5, np.exp(rng.uniform(-23, 2, k)), rng.uniform(0, 2, k))[None]
    price *= rng.random(k) < 0.98
    near, off = np.empty(k), np.empty(k)
    screen(mean, sd, price, 0, 0, 1.0, cap, near, off)
    z = reservation_values(mean, sd, price, cap=None if cap == np.inf else cap)[0]
    told = np.isfinite(off)
    assert told.mean() > 0.7
    wrong = (near - z)[told] / sd[0, told]
    assert np.abs(wrong).max() < SCREENING_ERROR
    assert ((near - off <= z) & (z <= near + off)).all()


def test_few_queries_are_decided_without_arrays_and_a_limit_that_binds_with_them(monkeypatch):
    calls = []
    monkeypatch.setattr(
        scalar_index,
        "step",
        lambda *a, _step=scalar_index.step, **o: calls.append(_step(*a, **o)) or calls[-1],
    )
    mean, sd, cost = np.full((1, 3), 0.5), np.full((1, 3), 0.3), np.array([[1.0, 2.0, 3.0]])
    none = np.array([0])
    assert index_step(mean, sd, cost, none, 0.001, compiled=False) == 0
    assert index_step(mean, sd, cost, none, 0.001, max_calls=2, compiled=False) >= 0
    assert calls == [0, scalar_index.UNDECIDED]
    many = index.FEW + 1
    index_step(
        np.repeat(mean, many, 0), np.repeat(sd, many, 0), cost, np.zeros(many, int), 0.1, compiled=False
    )
    assert len(calls) == 2


@pytest.mark.parametrize("path", PATHS)
def test_more_candidates_than_bits_are_given_as_booleans(path):
    rng = np.random.default_rng(9)
    n, k = 50, 100
    mean, sd, cost = rng.uniform(0, 0.9, (n, k)), rng.uniform(0, 0.3, (n, k)), rng.uniform(0, 3, (n, k))
    executed, eligible = rng.random((n, k)) < 0.02, rng.random((n, k)) < 0.9
    choice = step_by(path, mean, sd, cost, executed, 0.05, eligible=eligible)
    z = reservation_values(mean, sd, 0.05 * cost, cap=1.0)
    z = np.where(eligible & ~executed, z, -np.inf)
    best = np.where(executed, mean, -np.inf).max(axis=1)
    np.testing.assert_array_equal(choice, np.where(z.max(axis=1) > best, z.argmax(axis=1), -1))
    few = [
        step_by(path, mean[:, :9], sd[:, :9], cost[:, :9], e, 0.05)
        for e in (executed[:, :9], executed[:, :9] @ (1 << np.arange(9)))
    ]
    np.testing.assert_array_equal(*few)
