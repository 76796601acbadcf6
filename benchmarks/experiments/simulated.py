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
from penstock.answers.published_features import PUBLISHED_FEATURES, Answers
from penstock.belief import Answered, Belief, Observation, OwnAnswerBelief
from penstock.estimators.post_hoc.set_belief import SetBelief
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import folds
from penstock.state import State, draw_of
from penstock.types import BoolArray, FloatArray, IntArray

ALL_KINDS = ("published", "slip", "refined", "joint")


@dataclass(frozen=True)
class RevealedCosts:
    """Beliefs under which a candidate's cost estimate, too, is replaced by ``after`` (n, k) once it has run.

    What has run is paid for in every choice alike, so no decision of ours changes (tested); it is here
    because the protocol has it.
    """

    beliefs: Belief
    after: FloatArray

    def begin(self, eligible: BoolArray | None = None) -> State:
        state = self.beliefs.begin(eligible)
        return replace(state, cost=state.cost.copy())

    def observe(self, state: State, seen: Observation) -> State:
        state = self.beliefs.observe(state, seen)
        if isinstance(seen, Answered):
            state.cost[seen.rows, seen.columns] = self.after[seen.rows, seen.columns]
        return state


def simulated_split(
    grid: OutcomeMatrix,
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
    sources: dict[str, tuple[Belief, Belief]] = {}
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


def _beliefs(made: Simulated, rows: IntArray, draw: FloatArray) -> Belief:
    spread = np.tile(made.shift_sd, (len(rows), 1))
    cost = np.maximum(made.cost_before[rows], 0.0)
    beliefs = OwnAnswerBelief(made.before[rows], made.after[rows], cost, draw[rows], spread)
    return RevealedCosts(beliefs, np.maximum(made.cost_after[rows], 0.0))


def _joint(
    made: Simulated, grid: OutcomeMatrix, fit: IntArray, test: IntArray, draw: FloatArray, seed: int
) -> tuple[Belief, Belief]:
    n, k = grid.quality.shape
    everyone = np.ones((n, k), dtype=bool)
    silent = Answers(np.full((n, k), -1), np.zeros((n, k, len(PUBLISHED_FEATURES))), everyone, everyone)
    signals = Signals.of(made.before, made.after, silent, agreement=False)
    cost = np.maximum(made.cost_before, 0.0)
    fold = folds([grid.queries[i] for i in fit.tolist()], 5, seed)
    held = crossfit_joint(signals.rows(fit), grid.quality[fit], fold)
    model = fit_joint(signals.rows(fit), grid.quality[fit])
    return (
        SetBelief(held, cost[fit], draw[fit]),
        SetBelief(model.on(signals.rows(test)), cost[test], draw[test]),
    )
