"""Simulated estimates (truth plus frozen noise) as splits: never anything but an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from benchmarks.experiments.compare import Split
from benchmarks.experiments.tables import truths
from benchmarks.research.joint import crossfit_joint, fit_joint
from benchmarks.research.joint_signals import Signals
from benchmarks.research.simulated import NoiseLevel, Simulated, simulate
from penstock.estimators.post_hoc.published_features import OWN_SIGNS, Answers
from penstock.outcomes.matrix import Grid
from penstock.outcomes.splits import folds
from penstock.router.replay import Beliefs, BeliefSource
from penstock.router.set_beliefs import JointBeliefs
from penstock.state import State, draw_of
from penstock.types import FloatArray, IntArray

ALL_KINDS = ("published", "slip", "refined", "joint")


@dataclass(frozen=True)
class RevealedCosts:
    """Beliefs under which a candidate's cost estimate, too, is replaced by ``after`` (n, k) once it has run.

    What has run is paid for in every choice alike, so no decision of ours changes (tested); it is here
    because the protocol has it.
    """

    beliefs: BeliefSource
    after: FloatArray

    def begin(self) -> State:
        state = self.beliefs.begin()
        return replace(state, cost=state.cost.copy())

    def observe(self, state: State, rows: IntArray, columns: IntArray) -> State:
        state = self.beliefs.observe(state, rows, columns)
        state.cost[rows, columns] = self.after[rows, columns]
        return state


def simulated_split(
    grid: Grid,
    fit: IntArray,
    test: IntArray,
    level: NoiseLevel,
    *,
    seed: int,
    kinds: Sequence[str] = ALL_KINDS,
) -> Split:
    """Estimates of every kind from one frozen noise, calibrated on the rows ``fit``.

    *published*: the earlier showing dropped, true standard deviation; *slip*: its variance in its place;
    *refined*: truth regressed on both showings, capped at 1; *joint*: one Gaussian over qualities and
    refined signals of all candidates.
    """
    ids = [q.id for q in grid.queries]
    draw = np.array([draw_of(name, seed) for name in ids])
    sources: dict[str, tuple[BeliefSource, BeliefSource]] = {}
    seconds: dict[str, float] = {}
    for kind in kinds:
        started = perf_counter()
        refined = kind in ("refined", "joint")
        made = simulate(
            ids,
            grid.candidates,
            grid.quality,
            grid.cost,
            fit,
            level,
            seed=seed,
            refine=refined,
            cap=1.0 if refined else None,
            variance_slip=kind == "slip",
        )
        if kind == "joint":
            sources[kind] = _joint(made, grid, fit, test, draw, seed)
        else:
            sources[kind] = (_beliefs(made, fit, draw), _beliefs(made, test, draw))
        seconds[kind] = perf_counter() - started
    fit_truth, test_truth = truths(grid, (fit, test))
    return Split(sources, fit_truth, test_truth, seconds)


def _beliefs(made: Simulated, rows: IntArray, draw: FloatArray) -> BeliefSource:
    spread = np.tile(made.spread, (len(rows), 1))
    cost = np.maximum(made.cost_before[rows], 0.0)
    beliefs = Beliefs(made.before[rows], made.after[rows], cost, draw[rows], spread)
    return RevealedCosts(beliefs, np.maximum(made.cost_after[rows], 0.0))


def _joint(
    made: Simulated, grid: Grid, fit: IntArray, test: IntArray, draw: FloatArray, seed: int
) -> tuple[BeliefSource, BeliefSource]:
    n, k = grid.quality.shape
    everyone = np.ones((n, k), dtype=bool)
    silent = Answers(np.full((n, k), -1), np.zeros((n, k, len(OWN_SIGNS))), everyone, everyone)
    signals = Signals.of(made.before, made.after, silent, agreement=False)
    cost = np.maximum(made.cost_before, 0.0)
    fold = folds([grid.queries[i] for i in fit.tolist()], 5, seed)
    held = crossfit_joint(signals.rows(fit), grid.quality[fit], fold)
    model = fit_joint(signals.rows(fit), grid.quality[fit])
    return (
        JointBeliefs(held, cost[fit], draw[fit]),
        JointBeliefs(model.on(signals.rows(test)), cost[test], draw[test]),
    )
