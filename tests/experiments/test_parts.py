"""The experiments' own parts against direct formulas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.experiments.agents import AgentRuns
from benchmarks.experiments.compare import Outcome, difference, linear, measured, oracle
from benchmarks.experiments.exhaustive import exhaustive_step
from benchmarks.experiments.figure import Panel, clipped, figure
from benchmarks.experiments.result import Settings
from benchmarks.experiments.runtime import extended
from benchmarks.experiments.simulated import RevealedCosts, simulated_split
from benchmarks.experiments.tables import pool, routerbench, thinned, truths
from benchmarks.experiments.votes import Sample, vote, voting_grid
from benchmarks.research.simulated import LEVELS, simulate
from penstock.belief import Answered, OwnAnswerBelief, observe
from penstock.core.draws import normal_draws
from penstock.core.expected_max import expected_max
from penstock.core.supermodels import best_supermodel
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.index import Index
from penstock.router.replay import replay
from penstock.state import State


@pytest.fixture(scope="module")
def grid(tables: Path) -> OutcomeMatrix:
    return pool(routerbench(Settings(tables)), 5)


def split_of(grid: OutcomeMatrix, **settings: object):  # type: ignore[no-untyped-def]
    fit, test = np.arange(0, len(grid), 2), np.arange(1, len(grid), 2)
    return simulated_split(grid, fit, test, LEVELS["low"], seed=3, **settings)


def test_costs_revealed_by_a_run_change_no_decision(grid: OutcomeMatrix) -> None:
    """What has run is paid for in every choice alike."""
    source = split_of(grid, kinds=("refined",)).sources["refined"][1]
    assert isinstance(source, RevealedCosts)
    truth = (grid.quality[1::2], grid.cost[1::2])
    for policy in (Index(200.0), CascadeRouting((200.0,)), CascadeRouting((2000.0,))):
        one, other = replay(policy, source, *truth), replay(policy, source.beliefs, *truth)
        np.testing.assert_array_equal(one.executed, other.executed)
        assert one.executed.sum() > len(one.cost)
        np.testing.assert_array_equal(one.accepted, other.accepted)


def test_the_slip_is_a_variance_and_all_kinds_share_their_noise(grid: OutcomeMatrix) -> None:
    sources = split_of(grid).sources
    states = {kind: pair[0].begin() for kind, pair in sources.items()}
    np.testing.assert_allclose(states["slip"].shift_sd, states["published"].shift_sd ** 2)
    np.testing.assert_array_equal(states["slip"].quality, states["refined"].quality)
    ids = [q.id for q in grid.queries]
    told = (ids, grid.candidates, grid.quality, grid.cost, np.arange(60), LEVELS["low"])
    made, slip = simulate(*told, seed=1), simulate(*told, seed=1, variance_slip=True)
    np.testing.assert_allclose(slip.shift_sd, made.shift_sd**2)
    np.testing.assert_array_equal(slip.after, made.after)


def test_trying_every_set_is_the_definition_and_agrees_with_the_pruned_search() -> None:
    rng = np.random.default_rng(0)
    n, k, depth = 40, 6, 4
    executed = np.zeros((n, k), dtype=bool)
    executed[20:, 1] = True
    spread = np.where(executed, 0.0, rng.uniform(0.05, 0.4, (n, k)))
    cost = rng.uniform(0.1, 1.0, (n, k))
    state = replace(State.new(rng.random((n, k)), cost, np.zeros(n), shift_sd=spread), executed=executed)
    masks = executed @ (1 << np.arange(k))
    draws = normal_draws(128, k)
    for lam in (0.01, 0.1, 0.3, 1.0):
        found = exhaustive_step(state, lam, depth)
        pruned, score = best_supermodel(
            state.quality, spread, cost, masks, lam, max_depth=depth, draws=draws, compiled=False
        )
        np.testing.assert_array_equal(found, pruned)
        all_sets = np.arange(1, 1 << k)
        values = expected_max(state.quality, spread, draws)
        due = lam * np.stack([(cost * ((m >> np.arange(k)) & 1)).sum(axis=1) for m in all_sets], axis=1)
        allowed = (all_sets[None] & masks[:, None]) == masks[:, None]
        allowed &= np.bitwise_count(all_sets) <= depth
        best = np.where(allowed, values[:, 1:] - due, -np.inf).max(axis=1)
        np.testing.assert_allclose(score, best, atol=1e-9)


def test_costs_of_agents_follow_the_ones_that_ran() -> None:
    """Run after run, the estimate is the Gaussian's conditional mean given all of them at once."""
    rng = np.random.default_rng(1)
    n, k = 5, 4
    root = rng.normal(size=(k, k))
    moves, expected = root @ root.T, np.full((n, k), 50.0)
    cost = expected + rng.normal(size=(n, k)) @ root.T
    nothing = OwnAnswerBelief(np.full((n, k), 0.5), np.full((n, k), 0.5), expected, np.zeros(n))
    runs = AgentRuns(nothing, np.ones((n, k)), cost, moves)
    state = runs.begin()
    for column in (2, 0):
        state = observe(runs, state, Answered(np.arange(n), np.full(n, column)))
    seen, rest = [0, 2], [1, 3]
    gain = moves[np.ix_(rest, seen)] @ np.linalg.inv(moves[np.ix_(seen, seen)])
    np.testing.assert_allclose(state.cost[:, rest], 50.0 + (cost - expected)[:, seen] @ gain.T, atol=1e-9)
    np.testing.assert_array_equal(state.cost[:, seen], cost[:, seen])
    np.testing.assert_array_equal(state.quality[:, seen], 1.0)
    np.testing.assert_array_equal(nothing.cost, 50.0)


def test_areas_lie_between_the_hull_of_single_candidates_and_the_oracle(grid: OutcomeMatrix) -> None:
    truth = truths(grid, [np.arange(len(grid))])[0]
    low, high = linear(truth), oracle(truth)
    assert low.auc < high.auc
    assert (low.resampled < high.resampled).all()
    everyone = measured(truth.cost.T, truth.quality.T, truth)
    assert everyone.auc <= low.auc + 1e-12
    assert abs(low.resampled.mean() - low.auc) < 3 * low.resampled.std()


def test_a_difference_is_paired() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(3, 200)) / 10

    def outcomes(shift: float) -> list[Outcome]:
        nothing = np.zeros(1)
        return [Outcome(shift, shift + row, nothing, nothing) for row in noise]

    gap = difference(outcomes(0.02), outcomes(0.0))
    assert (gap.mean, gap.low, gap.high) == pytest.approx((2.0, 2.0, 2.0))
    wide = difference(outcomes(0.02), [*outcomes(0.0)[::-1]])
    assert wide.low < 2.0 < wide.high


def test_votes() -> None:
    def sample(answer: str, quality: float, cost: float = 1.0) -> Sample:
        return Sample(answer, quality, cost, 5)

    winner, share = vote([sample("a", 0.0), sample("b", 1.0), sample("b", 1.0)])
    assert (winner.answer, share) == ("b", 2 / 3)
    assert vote([sample("a", 0.0), sample("b", 1.0)])[0].answer == "a", "the earliest of equals"


def test_a_voting_candidate_is_paid_for_every_sample(tables: Path) -> None:
    grid = voting_grid(Settings(tables, rows=30))
    one, four = (grid.candidates.index(n) for n in ("gpt-3.5 pot x1", "gpt-3.5 pot x4 voted"))
    ratio = grid.cost[:, four].mean() / grid.cost[:, one].mean()
    assert ratio == pytest.approx(4.0, rel=0.15)
    assert grid.answer_of(0, one).logprobs is None
    logprobs = grid.answer_of(0, four).logprobs
    assert logprobs is not None
    assert np.exp(logprobs[0]) in (0.25, 0.5, 0.75, 1.0)
    fifteen = grid.candidates.index("gpt-3.5 pot x15 voted")
    assert grid.quality[:, fifteen].mean() >= grid.quality[:, one].mean()


def test_pools(grid: OutcomeMatrix, tables: Path) -> None:
    assert grid.candidates[1] == "mistralai/mixtral-8x7b-chat"
    few = thinned(routerbench(Settings(tables)), 4)
    assert len(few.candidates) == 4
    costs = few.cost.mean(axis=0)
    assert (np.diff(costs) > 0).all()
    wide = extended(grid, 8)
    assert wide.quality.shape == (len(grid), 8)
    either = (wide.cost[:, [5]] == grid.cost).sum(axis=0)
    assert (either > 20).sum() == 2, "an added candidate does what one of two real ones did"


def test_figures_escape_and_clip() -> None:
    x = np.array([1.0, 2.0, 9.0])
    assert clipped((x, x), 3.0)[0].tolist() == [1.0, 2.0]
    svg = figure("<b>", [Panel("a & b", "x", "y", {"<i>": (x, x)}, log_x=True)])
    assert "&lt;b&gt;" in svg
    assert "a &amp; b" in svg
    assert "<i>" not in svg
