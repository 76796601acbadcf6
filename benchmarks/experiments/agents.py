"""Agents whose runs show their test results and costs: beliefs fitted on issues, for SWE-bench."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from benchmarks.experiments.compare import Split
from benchmarks.experiments.tables import truths
from benchmarks.research.gaussian import regression
from benchmarks.research.joint import crossfit_joint, fit_joint
from benchmarks.research.joint_signals import Signals
from penstock.answers.published_features import PUBLISHED_FEATURES, Answers
from penstock.belief import Answered, Belief, Observation, OwnAnswerBelief
from penstock.codec import SHARED
from penstock.estimators.cost import fit_cost
from penstock.estimators.crossfit import crossfit
from penstock.estimators.ex_ante.linear import Logistic
from penstock.estimators.features import Inputs
from penstock.estimators.post_hoc.set_belief import SetBelief, by_set
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import folds
from penstock.state import State, draw_of
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class AgentRuns:
    """Beliefs under which a run shows its test result (unless ``truth`` is None) and its cost; the costs of
    agents that have not run follow those that have: linear in them, as published."""

    beliefs: Belief
    truth: FloatArray | None
    cost: FloatArray
    moves: FloatArray = field(metadata=SHARED)
    """(k, k) covariance of cost around its estimate on fitting rows."""

    def begin(self, eligible: BoolArray | None = None) -> State:
        state = self.beliefs.begin(eligible)
        return replace(state, cost=state.cost.copy())

    def observe(self, state: State, seen: Observation) -> State:
        rows, columns = seen.rows, seen.columns
        expected = state.cost[rows, columns]
        state = self.beliefs.observe(state, seen)
        if not isinstance(seen, Answered):
            return state
        if self.truth is not None:
            shown = state.executed[rows]
            state.quality[rows] = np.where(shown, self.truth[rows], state.quality[rows])
        state.cost[rows, columns] = self.cost[rows, columns]
        for mask, part in by_set(state.executed[rows]):
            ran = np.array([bool(mask >> j & 1) for j in range(len(self.moves))])
            for j in np.unique(columns[part]).tolist():
                mine = part[columns[part] == j]
                # given the ones that ran before, this one's surprise moves the rest by one more coefficient
                gain = regression(self.moves, ran)[:, np.flatnonzero(np.flatnonzero(ran) == j)[0]]
                surprise = self.cost[rows[mine], j] - expected[mine]
                moved = state.cost[np.ix_(rows[mine], ~ran)] + surprise[:, None] * gain
                state.cost[np.ix_(rows[mine], ~ran)] = np.maximum(moved, 0.01)
        return state


def agent_split(grid: OutcomeMatrix, fit: IntArray, test: IntArray, seed: int) -> Split:
    """Logistic regression on issue length / 1000 and repository; costs linear in the same."""
    started = perf_counter()
    inputs = issue_inputs(grid)
    fold = folds([grid.queries[i] for i in fit.tolist()], 5, seed)
    quality, cost = grid.quality[fit], grid.cost[fit]
    weight = np.ones_like(quality)
    kind = Logistic((1.0, 3.0, 10.0))
    held = np.clip(crossfit(kind, inputs.rows(fit), quality, weight, fold, seed=seed), 0.0, 1.0)
    before = np.clip(kind.fit(inputs.rows(fit), quality, weight, seed=seed).predict(inputs.rows(test)), 0, 1)
    cost_model, held_cost = fit_cost(inputs.rows(fit), cost, weight, fold, seed=seed)
    test_cost = cost_model.predict(inputs.rows(test))
    moves = np.cov((cost - held_cost).T)
    draw = np.array([draw_of(q.id, seed) for q in grid.queries])
    spread = (quality - held).std(axis=0)
    sources: dict[str, tuple[Belief, Belief]] = {}

    def pair(kind: str, of_fit: Belief, of_test: Belief) -> None:
        shown = kind != "hidden"
        sources[kind] = (
            AgentRuns(of_fit, quality if shown else None, cost, moves),
            AgentRuns(of_test, grid.quality[test] if shown else None, grid.cost[test], moves),
        )

    def plain(rows: IntArray, estimate: FloatArray, price: FloatArray, shown: bool) -> OwnAnswerBelief:
        wide = np.tile(spread if shown else np.zeros_like(spread), (len(rows), 1))
        return OwnAnswerBelief(estimate, grid.quality[rows] if shown else estimate, price, draw[rows], wide)

    for name in ("hidden", "as published"):
        shown = name != "hidden"
        pair(name, plain(fit, held, held_cost, shown), plain(test, before, test_cost, shown))
    signals = _signals(held, quality)
    model, out_of_fold = fit_joint(signals, quality), crossfit_joint(signals, quality, fold)
    joint_test = SetBelief(model.on(_signals(before, grid.quality[test])), test_cost, draw[test])
    pair("joint", SetBelief(out_of_fold, held_cost, draw[fit]), joint_test)
    fit_truth, test_truth = truths(grid, (fit, test))
    spent = perf_counter() - started
    return Split(sources, fit_truth, test_truth, dict.fromkeys(sources, spent))


def issue_inputs(grid: OutcomeMatrix) -> Inputs:
    """Issue length / 1000 and one indicator per repository."""
    length = np.array([len(q.prompt) for q in grid.queries])
    tasks = np.array([q.task or "" for q in grid.queries], dtype=np.str_)
    indicators = (tasks[:, None] == np.unique(tasks)).astype(float)
    dense = np.concatenate([np.minimum(length / 1000, 20.0)[:, None], indicators], axis=1)
    return Inputs(dense, np.log1p(length), tasks)


def _signals(ex_ante: FloatArray, result: FloatArray) -> Signals:
    everyone = np.ones(result.shape, dtype=bool)
    silent = Answers(
        np.full(result.shape, -1), np.zeros((*result.shape, len(PUBLISHED_FEATURES))), everyone, everyone
    )
    return Signals.of(ex_ante, result, silent, agreement=False)
