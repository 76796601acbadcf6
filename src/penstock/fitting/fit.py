"""From a grid of outcomes to a tuned, guarded choice of estimator and policy.

Every row is used twice, never for both at once: estimates that policies are tuned on come from models fitted
on other folds (cross-fitting); the models that are shipped are then fitted on all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from penstock.core.curves import area
from penstock.errors import TableError
from penstock.estimators.base import Estimator, weighted_means
from penstock.estimators.belief import BeliefModel
from penstock.estimators.cost import CostModel, fit_cost
from penstock.estimators.crossfit import cell_weights, crossfit
from penstock.estimators.ex_ante.mean import CandidateMean
from penstock.estimators.features import Encoder, Inputs, fit_encoder
from penstock.estimators.post_hoc.own_answer import (
    Observations,
    crossfit_own_answer,
    fit_own_answer,
    observe,
)
from penstock.estimators.registry import estimator
from penstock.estimators.shrinkage import Shrinkage, fit_shrinkage
from penstock.fitting.candidates import complete_rows, select_candidates
from penstock.fitting.families import family, fixed
from penstock.fitting.guard import clears_mix
from penstock.fitting.result import MIX, Fit, Option
from penstock.fitting.tune import Swept, sweep
from penstock.outcomes.grid import Grid
from penstock.outcomes.splits import folds, groups_of, task_out_splits
from penstock.policies.base import draw_of
from penstock.policies.frontier import Frontier
from penstock.replay import Beliefs
from penstock.types import BoolArray, FloatArray, IntArray

LEAST_ROWS = 20

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""


@dataclass(frozen=True)
class FitSettings:
    """``estimators`` and ``policies`` to try, by name; ``features`` they may use (``prompt``, ``task``,
    ``prompt+task``); ``folds`` for cross-fitting, by question (``group``) or with whole tasks left out
    (``task``: for traffic whose tasks the table does not hold)."""

    estimators: tuple[str, ...] = ("knn", "kmeans", "ridge", "logistic")
    policies: tuple[str, ...] = ("routing", "cascade")
    features: str = "prompt"
    folds: int = 5
    fold_by: str = "group"
    directions: int = 96
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class _Rows:
    """Fitting rows prepared once for every estimator."""

    inputs: Inputs
    quality: FloatArray
    cost: FloatArray
    weight: FloatArray
    fold: IntArray
    draw: FloatArray
    tuning: BoolArray
    cluster: IntArray
    expected_cost: FloatArray
    seen: Observations | None


def fit_grid(
    grid: Grid,
    settings: FitSettings = FitSettings(),
    *,
    candidates: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Fit every estimator and policy of ``settings`` and choose.

    Estimators see all rows, with missing cells; tuning and the guard see complete rows only. Raises
    TableError where no candidate is usable or too few rows are complete.
    """
    report = progress or (lambda what, done, total: None)
    selection = select_candidates(grid, candidates)
    grid = grid.select(selection.names)
    total = 2 + len(settings.estimators)
    report("reading prompts", 0, total)
    started = perf_counter()
    encoder = fit_encoder(
        grid.queries, features=settings.features, directions=settings.directions, seed=settings.seed
    )
    rows, cost_model = _prepare(grid, encoder, settings)
    shared_seconds = perf_counter() - started
    best = selection.names.index(selection.best_fixed)
    quality, cost = rows.quality[rows.tuning], rows.cost[rows.tuning]
    fixed_swept = sweep(
        fixed(_no_beliefs(rows), quality.mean(axis=0), cost.mean(axis=0)),
        _no_beliefs(rows),
        quality,
        cost,
        best,
    )
    best_point = fixed_swept.point(best)
    mix = Frontier(fixed_swept.hull(), best_point)
    drafts: list[_Draft] = []
    for i, name in enumerate(settings.estimators):
        report(f"fitting {name}", 1 + i, total)
        drafts += _drafts(estimator(name), rows, encoder, cost_model, settings, best, shared_seconds)
    report("choosing", total - 1, total)
    options = _guarded(drafts, fixed_swept, rows, mix, settings)
    options[MIX] = _mix_option(rows, encoder, cost_model, mix, shared_seconds, settings)
    chosen = max(options, key=lambda name: (options[name].area, name == MIX))
    report("choosing", total, total)
    notes = ("costs are input tokens x list price: output tokens are unknown",) if grid.estimated_cost else ()
    return Fit(
        selection, options, chosen, mix, int(rows.tuning.sum()), len(grid) - int(rows.tuning.sum()), notes
    )


@dataclass(frozen=True)
class _Draft:
    name: str
    belief: BeliefModel
    swept: Swept
    seconds: dict[str, float]


def _prepare(grid: Grid, encoder: Encoder, settings: FitSettings) -> tuple[_Rows, CostModel]:
    tuning = complete_rows(grid)
    if int(tuning.sum()) < LEAST_ROWS:
        raise TableError(
            f"only {int(tuning.sum())} of {len(grid)} queries were answered, scored and costed by all of "
            f"{', '.join(grid.candidates)}; at least {LEAST_ROWS} are needed",
            hint="Collect more, or leave candidates out with --candidates",
        )
    inputs = encoder.encode(grid.queries)
    fold = _fold(grid, settings)
    weight = cell_weights(grid.quality, grid.propensity)
    cost_model, expected_cost = fit_cost(inputs, grid.cost, weight, fold, seed=settings.seed)
    seen = None
    if "cascade" in settings.policies:
        found = observe(grid.answer_of, *grid.quality.shape)
        seen = found if found.informative else None
    keys = [q.task or "" for q in grid.queries] if settings.fold_by == "task" else groups_of(grid.queries)
    cluster = np.unique(keys, return_inverse=True)[1][tuning]
    draw = np.array([draw_of(q.id, settings.seed) for q in grid.queries])
    rows = _Rows(inputs, grid.quality, grid.cost, weight, fold, draw, tuning, cluster, expected_cost, seen)
    return rows, cost_model


def _fold(grid: Grid, settings: FitSettings) -> IntArray:
    """(n,) the fold each row is held out in."""
    if settings.fold_by == "group":
        return folds(grid.queries, settings.folds, settings.seed)
    fold = np.zeros(len(grid), dtype=np.int64)
    for number, (_, held) in enumerate(task_out_splits(grid.queries, settings.folds, settings.seed)):
        fold[held] = number
    return fold


def _drafts(
    kind: Estimator,
    rows: _Rows,
    encoder: Encoder,
    cost_model: CostModel,
    settings: FitSettings,
    best: int,
    shared_seconds: float,
) -> list[_Draft]:
    """Fit one estimator and sweep every policy on its out-of-fold beliefs."""
    started = perf_counter()
    raw = crossfit(kind, rows.inputs, rows.quality, rows.weight, rows.fold, seed=settings.seed)
    shrinkage = fit_shrinkage(raw, rows.quality, rows.weight, weighted_means(rows.quality, rows.weight))
    ex_ante = np.clip(shrinkage.apply(raw), 0.0, 1.0)
    post_hoc, model = ex_ante, None
    if rows.seen is not None:
        weight = np.where(np.isnan(rows.quality), 0.0, rows.weight)
        known = np.nan_to_num(rows.quality)
        post_hoc = crossfit_own_answer(ex_ante, rows.seen, known, weight, rows.fold, seed=settings.seed)
        model = fit_own_answer(ex_ante, rows.seen, known, weight, seed=settings.seed)
    fitted = kind.fit(rows.inputs, rows.quality, rows.weight, seed=settings.seed)
    belief = BeliefModel(encoder, fitted, shrinkage, cost_model, model)
    fit_seconds = perf_counter() - started + shared_seconds
    beliefs = Beliefs(ex_ante, post_hoc, rows.expected_cost, rows.draw).rows(rows.tuning)
    quality, cost = rows.quality[rows.tuning], rows.cost[rows.tuning]
    drafts = []
    for policy in settings.policies:
        started = perf_counter()
        policies = family(policy)(beliefs, quality.mean(axis=0), cost.mean(axis=0))
        if policies:
            swept = sweep(policies, beliefs, quality, cost, best)
            seconds = {"fit": fit_seconds, "tune": perf_counter() - started}
            used = (
                belief if policy == "cascade" else BeliefModel(encoder, fitted, shrinkage, cost_model, None)
            )
            drafts.append(_Draft(f"{policy}/{kind.name}", used, swept, seconds))
    return drafts


def _guarded(
    drafts: list[_Draft], fixed_swept: Swept, rows: _Rows, mix: Frontier, settings: FitSettings
) -> dict[str, Option]:
    """Hold every draft against the mix, all points of all drafts at once."""
    if not drafts:
        return {}
    everything = drafts[0].swept
    for draft in drafts[1:]:
        everything = everything + draft.swept
    clear = clears_mix(
        everything, fixed_swept, rows.cluster, confidence=settings.confidence, seed=settings.seed
    )
    options, offset = {}, 0
    for draft in drafts:
        kept = np.flatnonzero(clear[offset : offset + len(draft.swept)]).tolist()
        offset += len(draft.swept)
        guarded = Frontier((fixed_swept + draft.swept.take(kept)).hull(), mix.best_fixed)
        unguarded = Frontier(draft.swept.hull(), mix.best_fixed)
        options[draft.name] = Option(
            draft.name,
            draft.belief,
            guarded,
            unguarded,
            len(kept),
            len(draft.swept),
            _area(guarded, mix),
            draft.seconds,
        )
    return options


def _mix_option(
    rows: _Rows, encoder: Encoder, cost_model: CostModel, mix: Frontier, seconds: float, settings: FitSettings
) -> Option:
    means = weighted_means(rows.quality, rows.weight)
    fitted = CandidateMean().fit(rows.inputs, rows.quality, rows.weight, seed=settings.seed)
    belief = BeliefModel(encoder, fitted, Shrinkage(means, 1.0, 1.0), cost_model, None)
    spent = {"fit": seconds, "tune": 0.0}
    return Option(MIX, belief, mix, mix, 0, 0, _area(mix, mix), spent)


def _area(frontier: Frontier, mix: Frontier) -> float:
    """Mean quality of a frontier between the cheapest and the best fixed candidate's cost."""
    low, high = mix.points[0], mix.best_fixed
    cost = np.array([p.cost for p in frontier.points])
    quality = np.array([p.quality for p in frontier.points])
    if high.cost <= low.cost:
        return float(quality[-1])
    return area(cost, quality, low.cost, high.cost, low.quality)


def _no_beliefs(rows: _Rows) -> Beliefs:
    """For fixed policies, which look at nothing."""
    empty = np.zeros_like(rows.quality[rows.tuning])
    return Beliefs(empty, empty, empty, rows.draw[rows.tuning])
