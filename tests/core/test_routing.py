"""The exact routing solver against a linear program, and the router at its price (De Koninck et al. 2025,
Theorem 1)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import block_diag, csr_matrix

from penstock.core.routing import TIE, frontier_lambdas, hull_edges, route, solve_budget, walk


def linear_program(quality: np.ndarray, cost: np.ndarray, budget: float) -> float | None:
    """max mean quality of a randomised routing whose mean cost is at most ``budget``; None if infeasible."""
    n, k = quality.shape
    result = linprog(
        -quality.ravel() / n,
        A_ub=csr_matrix(cost.reshape(1, -1) / n),
        b_ub=[budget],
        A_eq=csr_matrix(block_diag([np.ones((1, k))] * n)),
        b_eq=np.ones(n),
        bounds=(0, None),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return None if result.status == 2 else -float(result.fun)


def tables(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random tables of three kinds: continuous, integer (many ties), with duplicated and free candidates."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 201)), int(rng.integers(1, 7))
    if seed % 3 == 0:
        return rng.random((n, k)), rng.random((n, k))
    if seed % 3 == 1:
        return rng.integers(0, 4, (n, k)).astype(float), rng.integers(0, 5, (n, k)).astype(float)
    quality, cost = rng.random((n, k)), rng.random(k) * np.ones((n, 1))
    quality[:, k // 2], cost[:, k // 2] = quality[:, 0], cost[:, 0]
    cost[:, 0] = 0.0
    return quality, cost


@pytest.mark.parametrize("seed", range(60))
def test_the_solver_equals_the_linear_program(seed: int) -> None:
    quality, cost = tables(seed)
    rows = np.arange(len(quality))
    low = cost.min(axis=1).mean()
    everything = solve_budget(quality, cost, np.inf)
    for share in (0.0, 0.13, 0.5, 0.87, 1.0, 1.3):
        budget = float(low + share * (everything.cost - low))
        found = solve_budget(quality, cost, budget)
        assert found.quality == pytest.approx(linear_program(quality, cost, budget), abs=1e-9)
        assert found.cost <= budget + 1e-9
        if 0.0 < share < 1.0 and everything.cost > low:
            assert found.cost == pytest.approx(budget, abs=1e-9), "a binding budget is spent"
        parts = [(w[rows, c].mean()) for w in (cost, quality) for c in (found.cheap, found.expensive)]
        assert found.gamma * parts[0] + (1 - found.gamma) * parts[1] == pytest.approx(found.cost, abs=1e-9)
        assert found.gamma * parts[2] + (1 - found.gamma) * parts[3] == pytest.approx(found.quality, abs=1e-9)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_routing_at_the_price_reproduces_both_branches(seed: int, unit: float) -> None:
    """Whatever the unit of cost, and so at tiny and huge prices: the tie tolerance is relative."""
    quality, cost = tables(seed)
    cost = cost * unit
    rows = np.arange(len(quality))
    everything = solve_budget(quality, cost, np.inf)
    low = cost.min(axis=1).mean()
    for share in (0.1, 0.35, 0.8):
        found = solve_budget(quality, cost, float(low + share * (everything.cost - low)))
        for prefer_expensive, branch in ((False, found.cheap), (True, found.expensive)):
            if prefer_expensive and found.lam == 0.0:
                continue  # a slack budget takes the cheap branch for sure
            got = route(quality, cost, found.lam, prefer_expensive=prefer_expensive)
            for values in (quality, cost):
                np.testing.assert_allclose(values[rows, got], values[rows, branch], rtol=1e-9)


def test_gamma_is_the_probability_of_the_cheap_branch_off_the_midpoint() -> None:
    quality, cost = np.array([[0.0, 1.0]] * 4), np.array([[1.0, 3.0]] * 4)
    found = solve_budget(quality, cost, 1.5)
    assert found.lam == pytest.approx(0.5)
    assert found.gamma == pytest.approx(0.75)
    assert (found.cheap == 0).all()
    assert (found.expensive == 1).all()
    assert found.cost == pytest.approx(1.5)
    inverted = (1 - found.gamma) * 1.0 + found.gamma * 3.0
    assert inverted > 1.5 * 1.5, "the inverted gamma overspends"


@pytest.mark.parametrize("seed", range(20))
def test_tied_integer_tables_hit_the_budget(seed: int) -> None:
    rng = np.random.default_rng(seed)
    quality = rng.integers(0, 3, (40, 4)).astype(float)
    cost = rng.integers(1, 4, (40, 4)).astype(float)
    low, high = (
        solve_budget(quality, cost, cost.min(axis=1).mean()).cost,
        solve_budget(quality, cost, np.inf).cost,
    )
    rows = np.arange(40)
    budget = low + 0.2 * (high - low)
    found = solve_budget(quality, cost, budget)
    minus, plus = cost[rows, found.cheap].mean(), cost[rows, found.expensive].mean()
    assert minus <= budget <= plus
    assert found.gamma == pytest.approx((plus - budget) / (plus - minus))
    assert found.gamma * minus + (1 - found.gamma) * plus == pytest.approx(budget)
    if abs(found.gamma - 0.5) > 0.01:
        assert (1 - found.gamma) * minus + found.gamma * plus != pytest.approx(budget)


def test_budgets_at_the_ends() -> None:
    quality, cost = np.array([[0.2, 0.9, 0.5], [0.4, 0.1, 0.8]]), np.array([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    assert solve_budget(quality, cost, 0.999) is None
    assert solve_budget(quality, cost, 0.0) is None
    at_least = solve_budget(quality, cost, 1.0)
    assert (at_least.cost, at_least.quality) == pytest.approx((1.0, 0.3))
    slack = solve_budget(quality, cost, np.inf)
    assert (slack.lam, slack.gamma) == (0.0, 1.0)
    assert slack.cheap.tolist() == slack.expensive.tolist() == [1, 2]


def test_a_slack_budget_buys_the_cheapest_of_the_best() -> None:
    found = solve_budget(np.array([[0.5, 0.9, 0.9]]), np.array([[1.0, 3.0, 2.0]]), 100.0)
    assert found.cheap.tolist() == [2]
    assert found.cost == 2.0


def test_nothing_is_needed_where_everything_is_free() -> None:
    found = solve_budget(np.array([[0.3, 0.6], [0.7, 0.2]]), np.zeros((2, 2)), 0.0)
    assert found.cheap.tolist() == [1, 0]
    assert (found.cost, found.quality) == (0.0, pytest.approx(0.65))


def test_a_free_candidate_makes_a_budget_of_zero_feasible() -> None:
    found = solve_budget(np.array([[0.3, 0.6], [0.7, 0.9]]), np.array([[0.0, 1.0], [0.0, 1.0]]), 0.0)
    assert found.cost == 0.0
    assert found.quality == pytest.approx(0.5)


def test_one_candidate() -> None:
    quality, cost = np.array([[0.3], [0.5]]), np.array([[1.0], [3.0]])
    assert solve_budget(quality, cost, 1.9) is None
    found = solve_budget(quality, cost, 2.0)
    assert (found.cost, found.quality) == pytest.approx((2.0, 0.4))
    assert route(quality, cost, 7.0).tolist() == [0, 0]


def test_duplicated_candidates_change_nothing() -> None:
    rng = np.random.default_rng(4)
    quality, cost = rng.random((50, 3)), rng.random((50, 3))
    once, twice = (solve_budget(np.tile(quality, m), np.tile(cost, m), 0.35) for m in (1, 2))
    assert twice.quality == pytest.approx(once.quality, abs=1e-12)
    assert twice.cheap.tolist() == once.cheap.tolist()


def test_ties_go_to_the_cheapest_or_the_dearest() -> None:
    quality, cost = np.array([[0.0, 0.5, 1.0, 0.2]]), np.array([[0.0, 1.0, 2.0, 1.0]])
    assert route(quality, cost, 0.5).tolist() == [0]
    assert route(quality, cost, 0.5, prefer_expensive=True).tolist() == [2]


def test_a_dear_bystander_does_not_blur_a_choice_between_cheap_ones() -> None:
    quality, cost = np.array([[0.50, 0.60, 0.9]]), np.array([[1e-9, 2e-9, 1.0]])
    assert route(quality, cost, 0.5e8).tolist() == [1]
    assert route(quality, cost, 2e8).tolist() == [0]
    assert route(quality, cost, 1e8).tolist() == [0]
    assert route(quality, cost, 1e8, prefer_expensive=True).tolist() == [1]


@pytest.mark.parametrize("seed", range(20))
def test_ties_are_found_where_rounding_is_larger_than_any_fixed_tolerance(seed: int) -> None:
    """Costs that differ in their ninth digit: scores near -1e8 are rounded to 1e-8."""
    rng = np.random.default_rng(seed)
    quality = np.array([[0.1, 0.9]]) + rng.uniform(-0.1, 0.1, (1, 2))
    cost = np.array([[1.0, 1.0]]) + np.array([[0.0, 1e-9]]) * rng.uniform(1, 3)
    price = float(hull_edges(quality, cost).slope[0])
    assert price > 1e8
    assert route(quality, cost, price).tolist() == [0]
    assert route(quality, cost, price, prefer_expensive=True).tolist() == [1]


def test_who_is_not_eligible_is_not_chosen() -> None:
    quality = np.array([[0.3, -np.inf, 0.9], [-np.inf, -np.inf, -np.inf]])
    cost = np.ones((2, 3))
    assert route(quality, cost, 0.1).tolist() == [2, -1]
    assert route(quality, cost, 0.1, prefer_expensive=True).tolist() == [2, -1]


@pytest.mark.parametrize("seed", range(12))
def test_edges_are_the_increasing_part_of_every_hull(seed: int) -> None:
    quality, cost = tables(seed)
    edges = hull_edges(quality, cost)
    assert (edges.slope > 0).all()
    assert (np.diff(edges.slope) <= 0).all()
    assert (edges.cost > 0).all()
    rows = np.arange(len(quality))
    done = walk(edges, len(edges.row))
    assert (quality[rows, done] == quality.max(axis=1)).all(), "walked to the end everybody has the best"
    assert (cost[rows, edges.start] == cost.min(axis=1)).all()
    for i in range(len(quality)):
        mine = edges.row == i
        reached = np.concatenate([[edges.start[i]], edges.to[mine]])
        np.testing.assert_allclose(np.diff(cost[i, reached]), edges.cost[mine], atol=1e-12)
        slopes = edges.slope[mine]
        assert (slopes[1:] <= slopes[:-1] * (1 + TIE)).all()
        for here, slope in zip(reached[:-1], slopes, strict=True):
            run = cost[i] - cost[i, here]
            assert (quality[i] - quality[i, here] - slope * run <= 1e-9)[run > 0].all()


def test_frontier_prices_fall_to_zero_and_reach_both_ends() -> None:
    quality, cost = tables(3)
    prices = frontier_lambdas(hull_edges(quality, cost), 10)
    assert (np.diff(prices) < 0).all()
    assert prices[-1] == 0.0
    rows = np.arange(len(quality))
    assert cost[rows, route(quality, cost, prices[0])].mean() == pytest.approx(cost.min(axis=1).mean())
    assert quality[rows, route(quality, cost, 0.0)].mean() == pytest.approx(quality.max(axis=1).mean())
    assert frontier_lambdas(hull_edges(np.ones((3, 2)), np.ones((3, 2))), 10).tolist() == [0.0]
