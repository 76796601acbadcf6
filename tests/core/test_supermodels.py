"""One contract over the NumPy reference and the compiled kernel: both are the exhaustive search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core._jit import installed
from penstock.core.covariance import square_root
from penstock.core.draws import normal_draws
from penstock.core.expected_max import expected_max
from penstock.core.prefixes import best_prefix
from penstock.core.routing import TIE, route
from penstock.core.supermodels import best_supermodel

PATHS = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not installed(), reason="numba is not installed")),
]
DRAWS = 64


def case(seed, n, k, kind, ties=False):
    """Random beliefs, costs and executed sets; executed candidates are certain. ``ties``: a coarse grid."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(0.5, 0.25, (n, k))
    cost = np.exp(rng.normal(0, 1.2, (n, k)))
    lam = rng.choice([0.0, 0.01, 0.1, 0.5, 3.0, 1e3], n)
    executed = np.where(rng.random(n) < 0.3, 0, rng.integers(0, 1 << k, n)).astype(np.int64)
    if ties:
        mean, cost = np.round(mean * 4) / 4, rng.integers(0, 3, (n, k)) / 4.0
        lam = rng.choice([0.0, 1.0, 2.0], n)
    noise = rng.normal(0, 0.25, (n, k, k)) * (rng.random((n, 1, k)) < 0.7)
    done = (executed[:, None] >> np.arange(k)) & 1 > 0
    noise = np.where(done[:, :, None], 0.0, noise)
    covariance = noise @ np.swapaxes(noise, 1, 2)
    if kind == "none":
        return mean, None, cost, executed, lam
    if kind == "independent":
        return mean, np.sqrt(np.einsum("nii->ni", covariance)), cost, executed, lam
    return mean, square_root(covariance), cost, executed, lam


def exhaustive(
    mean, factor, cost, executed, lam, *, max_depth, draws, prefer_expensive=False, eligible=None, sets=None
):
    """Every admissible set of every query, ties as documented; ``sets`` restricts them."""
    n, k = mean.shape
    value = expected_max(mean, factor, draws)
    masks = np.arange(1 << k)
    inside = (masks[:, None] >> np.arange(k)) & 1
    count = inside.sum(axis=1)
    chosen, score = np.zeros(n, dtype=np.int64), np.full(n, -np.inf)
    for row in range(n):
        run = executed[row]
        may = run | (eligible[row] if eligible is not None else (1 << k) - 1)
        room = max(max_depth, bin(run).count("1"))
        good = (masks > 0) & (masks & run == run) & (masks & ~may == 0) & (count <= room)
        if sets is not None:
            good &= np.isin(masks, sets(row))
        if not good.any():
            continue
        total = inside[good] @ cost[row]
        tau = value[row, good] - lam[row] * total
        size = np.abs(value[row, good]) + lam[row] * total
        tied = tau >= tau.max() - TIE * np.maximum(size, size[tau.argmax()])
        price = np.where(tied, -total if prefer_expensive else total, np.inf)
        even = price <= price.min() + TIE * abs(price.min())
        best = min(np.flatnonzero(even), key=lambda i: (count[good][i], masks[good][i]))
        chosen[row], score[row] = masks[good][best], tau[best]
    return chosen, score


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("kind", ["none", "independent", "correlated"])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
def test_pruned_search_is_exhaustive_search(k, kind, compiled):
    draws = normal_draws(DRAWS, k)
    for depth in range(1, k + 1):
        for prefer_expensive in (False, True):
            args = case(100 * k + depth, 40, k, kind)
            mask, score = best_supermodel(
                *args, max_depth=depth, draws=draws, prefer_expensive=prefer_expensive, compiled=compiled
            )
            expected, value = exhaustive(
                *args, max_depth=depth, draws=draws, prefer_expensive=prefer_expensive
            )
            np.testing.assert_array_equal(mask, expected)
            np.testing.assert_allclose(score, value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("prefer_expensive", [False, True])
@pytest.mark.parametrize("kind", ["none", "independent", "correlated"])
def test_ties_go_to_the_cheapest_or_the_dearest(kind, prefer_expensive, compiled):
    k = 5
    draws = normal_draws(DRAWS, k)
    for depth in (1, 2, 3, 5):
        args = case(depth, 150, k, kind, ties=True)
        mask, score = best_supermodel(
            *args, max_depth=depth, draws=draws, prefer_expensive=prefer_expensive, compiled=compiled
        )
        expected, value = exhaustive(*args, max_depth=depth, draws=draws, prefer_expensive=prefer_expensive)
        np.testing.assert_allclose(score, value, rtol=1e-8, atol=1e-8)
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("compiled", PATHS)
def test_only_eligible_candidates_are_added(compiled):
    k = 6
    draws = normal_draws(DRAWS, k)
    args = case(7, 200, k, "correlated")
    eligible = np.random.default_rng(7).integers(0, 1 << k, 200)
    mask, score = best_supermodel(*args, max_depth=4, draws=draws, eligible=eligible, compiled=compiled)
    expected, value = exhaustive(*args, max_depth=4, draws=draws, eligible=eligible)
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_allclose(score, value, atol=1e-12)
    nothing = (args[3] == 0) & (eligible == 0)
    assert nothing.any()
    assert (mask[nothing] == 0).all()
    assert (score[nothing] == -np.inf).all()


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("prefer_expensive", [False, True])
def test_prefixes_are_searched_without_pruning(prefer_expensive, compiled):
    k = 6
    draws = normal_draws(DRAWS, k)
    order = np.array([3, 0, 5, 1, 4, 2])
    prefixes = np.concatenate([[0], np.cumsum(1 << order)])
    for depth in (1, 3, 6):
        mean, root, cost, _, lam = case(depth, 200, k, "correlated")
        executed = np.random.default_rng(depth).choice(prefixes, 200).astype(np.int64)
        args = mean, root, cost, executed, lam
        mask, score = best_prefix(
            *args,
            order=order,
            max_depth=depth,
            draws=draws,
            prefer_expensive=prefer_expensive,
            compiled=compiled,
        )
        expected, value = exhaustive(
            *args, max_depth=depth, draws=draws, prefer_expensive=prefer_expensive, sets=lambda _: prefixes
        )
        np.testing.assert_array_equal(mask, expected)
        np.testing.assert_allclose(score, value, atol=1e-12)


@pytest.mark.parametrize("compiled", PATHS)
def test_a_prefix_may_be_worth_running_for_what_lies_behind_it(compiled):
    # the second candidate alone does not pay, the third does: pruning would stop at the first
    mean, cost = np.array([[0.5, 0.4, 0.95]]), np.array([[0.1, 0.05, 0.1]])
    mask, _ = best_prefix(
        mean, None, cost, np.array([1]), 1.0, order=np.arange(3), max_depth=3, draws=normal_draws(8, 3),
        compiled=compiled,
    )  # fmt: skip
    assert mask.tolist() == [7]


@pytest.mark.parametrize("compiled", PATHS)
def test_prefixes_skip_ineligible_candidates(compiled):
    mean, cost = np.array([[0.2, 0.9, 0.5]]), np.full((1, 3), 0.1)
    args = mean, None, cost, np.array([0]), 1.0
    options = {"order": np.arange(3), "max_depth": 3, "draws": normal_draws(8, 3), "compiled": compiled}
    assert best_prefix(*args, **options)[0].tolist() == [3]
    assert best_prefix(*args, eligible=np.array([5]), **options)[0].tolist() == [5]
    assert best_prefix(*args, eligible=np.array([0]), **options)[0].tolist() == [0]


@pytest.mark.parametrize("compiled", PATHS)
def test_greedy_ablation_considers_one_more_candidate(compiled):
    k = 6
    draws = normal_draws(DRAWS, k)
    args = case(11, 200, k, "correlated")
    mask, score = best_supermodel(*args, max_depth=4, additional=1, draws=draws, compiled=compiled)
    singles = [
        lambda row: np.concatenate([[args[3][row]], args[3][row] | (1 << np.arange(k))]),
    ][0]
    expected, value = exhaustive(*args, max_depth=4, draws=draws, sets=singles)
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_allclose(score, value, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 6), st.sampled_from(["independent", "correlated"]))
def test_lemma_1(seed, k, kind):
    """Where a member's gain does not pay, no optimal choice holds that whole set."""
    mean, factor, cost, executed, lam = case(seed, 1, k, kind)
    draws = normal_draws(DRAWS, k)
    value = expected_max(mean, factor, draws)[0]
    masks = np.arange(1 << k)
    tau = value - lam[0] * ((masks[:, None] >> np.arange(k)) & 1) @ cost[0]
    best = int(best_supermodel(mean, factor, cost, executed, lam, max_depth=k, draws=draws)[0][0])
    run = int(executed[0])
    for m in masks[masks & run == run].tolist():
        for i in range(k):
            without = m & ~(1 << i)
            dropped = m >> i & 1 and not run >> i & 1 and without
            if dropped and tau[m] < tau[without] - 1e-7 * (1 + abs(tau[m])):
                assert best & m != m


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 7), st.booleans())
def test_depth_one_is_routing(seed, k, prefer_expensive):
    mean, factor, cost, _, lam = case(seed, 20, k, "correlated")
    none = np.zeros(20, dtype=np.int64)
    draws = normal_draws(DRAWS, k)
    mask, _ = best_supermodel(
        mean, factor, cost, none, lam, max_depth=1, draws=draws, prefer_expensive=prefer_expensive
    )
    for row in range(20):
        routed = route(
            mean[row : row + 1], cost[row : row + 1], float(lam[row]), prefer_expensive=prefer_expensive
        )[0]
        assert mask[row] == 1 << routed


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 7), st.booleans())
def test_without_variance_the_first_step_is_routing(seed, k, explicit):
    mean, _, cost, _, lam = case(seed, 20, k, "none")
    none = np.zeros(20, dtype=np.int64)
    factor = np.zeros((1, k)) if explicit else None
    mask, _ = best_supermodel(mean, factor, cost, none, lam, max_depth=k, draws=normal_draws(DRAWS, k))
    for row in range(20):
        assert mask[row] == 1 << route(mean[row : row + 1], cost[row : row + 1], float(lam[row]))[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(2, 7), st.sampled_from(["independent", "correlated"]))
def test_a_prefix_is_never_better_than_the_best_set_and_some_set_pays_iff_a_single_one_does(seed, k, kind):
    args = case(seed, 10, k, kind)
    draws = normal_draws(DRAWS, k)
    full, score = best_supermodel(*args, max_depth=k, draws=draws)
    _, prefix = best_prefix(*args, order=np.arange(k), max_depth=k, draws=draws)
    assert (prefix <= score + 1e-9 * (1 + np.abs(score))).all()
    greedy, _ = best_supermodel(*args, max_depth=k, additional=1, draws=draws)
    started = args[3] != 0
    np.testing.assert_array_equal((full == args[3])[started], (greedy == args[3])[started])


@pytest.mark.skipif(not installed(), reason="numba is not installed")
def test_both_paths_agree_on_eleven_candidates_and_shared_arguments():
    rng = np.random.default_rng(5)
    n, k = 200, 11
    draws = normal_draws(128, k)
    mean, cost, sd = rng.normal(0.5, 0.2, (n, k)), np.geomspace(0.1, 10, k), rng.uniform(0.1, 0.4, (1, k))
    none = np.zeros(n, dtype=np.int64)
    for lam in (0.0, 0.003, 0.03, 0.3):
        fast = best_supermodel(mean, sd, cost, none, lam, max_depth=5, draws=draws, compiled=True)
        slow = best_supermodel(mean, sd, cost, none, lam, max_depth=5, draws=draws, compiled=False)
        np.testing.assert_array_equal(fast[0], slow[0])
        np.testing.assert_allclose(fast[1], slow[1], atol=1e-12)


def test_inputs_are_not_changed():
    args = case(3, 50, 5, "correlated")
    before = [np.copy(a) for a in args]
    for compiled in (False, installed()):
        best_supermodel(*args, max_depth=3, draws=normal_draws(DRAWS, 5), compiled=compiled)
        for old, new in zip(before, args, strict=True):
            np.testing.assert_array_equal(old, new)
