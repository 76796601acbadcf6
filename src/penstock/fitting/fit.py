"""From outcomes to a tuned, guarded choice of estimator and policy.

Every row is used twice, never for both at once: estimates that policies are tuned on come from models fitted
on other folds (cross-fitting); the models that are shipped are then fitted on all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from time import perf_counter

import numpy as np

from penstock.core.curves import auc
from penstock.core.means import weighted_means
from penstock.estimators.embeddings import Embedder
from penstock.estimators.ex_ante.encoder import EncoderScores, TextModel
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.estimators.ex_ante.mean import CandidateMean
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.shrinkage import Shrinkage
from penstock.fitting.choose_option import ROUTING_TOGETHER, best_ex_ante, choose
from penstock.fitting.crossfit_stages import (
    CandidateSweep,
    ExAnteFit,
    PostHocFit,
    ensemble,
    fit_ex_ante,
    fit_post_hoc,
    sweep_moved,
    sweep_unmoved,
)
from penstock.fitting.guard import TOGETHER, clears_mix
from penstock.fitting.refine_steps import refine_steps
from penstock.fitting.result import MIX, Fit, Option, TuningRows
from penstock.fitting.select_candidates import select_candidates
from penstock.fitting.settings import FitSettings, Progress
from penstock.fitting.sweep import Sweep, sweep
from penstock.fitting.threads import single_threaded_blas
from penstock.fitting.training_data import TrainingData, prepare_data
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import group_hashes
from penstock.policies.fixed import every_candidate
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Frontier

DEFAULTS = FitSettings()
TOKENS_UNKNOWN = "costs are input tokens x list price: output tokens are unknown"


@single_threaded_blas()
def fit_matrix(
    matrix: OutcomeMatrix,
    settings: FitSettings = DEFAULTS,
    *,
    candidates: Sequence[str] | None = None,
    progress: Progress | None = None,
    text_model: TextModel | None = None,
    embedder: Embedder | None = None,
) -> Fit:
    """Fit every estimator and policy of ``settings`` and choose.

    Routing is tried with every estimator and with the mean of all of them (``ensemble``), policies that look
    at answers with ``choose_option.best_ex_ante``; after half the time limit no further estimator is
    begun, and the fit's notes name those left out.

    Estimators see all rows, with missing cells; tuning and the guard see complete rows only. A
    trained ``text_model``, which must not have seen these rows, is tried as the estimator ``encoder``.
    With an ``embedder``, embeddings of the prompts stand among the features of every estimator; it is asked
    for the same prompts twice, so give it a cache. Raises TableError where no candidate is usable or too few
    rows are complete, InputError for a text model and an embedder together.
    """
    report = progress or (lambda what, done, total: None)
    started = perf_counter()
    kinds = [estimator(name) for name in settings.estimators if name != ENSEMBLE]
    if text_model is not None:
        kinds.append(EncoderScores())
    total = 3 + len(kinds)
    selection = select_candidates(matrix, candidates)
    matrix = matrix.select(selection.names)
    report("reading prompts" if embedder is None else "embedding prompts", 0, total)
    data = prepare_data(matrix, selection.best_fixed, settings, text_model, embedder)
    singles = sweep(
        every_candidate(len(selection.names)),
        data.no_beliefs(),
        data.tuned_quality,
        data.tuned_cost,
        data.best,
    )
    fixed_vertices = singles.hull()
    fixed_mixture = Frontier(fixed_vertices.points(), singles.point(data.best), matrix.cost_unit)
    swept: list[CandidateSweep] = []
    known: list[ExAnteFit] = []
    notes = [TOKENS_UNKNOWN] if matrix.estimated_cost else []
    for i, kind in enumerate(kinds):
        if known and settings.spent(started):
            left = ", ".join(k.name for k in kinds[i:])
            notes.append(f"not tried within {settings.time_limit:g} s: {left}")
            break
        report(f"fitting {kind.name}", 1 + i, total)
        known.append(fit_ex_ante(kind, data, settings))
        swept += sweep_unmoved(known[-1], data, settings)
    if ENSEMBLE in settings.estimators and len(known) > 1:
        known.append(ensemble(known, data))
        swept += sweep_unmoved(known[-1], data, settings)
    report("replaying answers", total - 2, total)
    moved = fit_post_hoc(best_ex_ante(known, data), data, settings) if settings.looks else []
    for item in moved:
        swept += sweep_moved(item, data, settings)
    if not swept:
        asked = ", ".join(settings.policies)
        notes.append(f"nothing to try: answers show nothing that the policies asked for ({asked}) go by")
    report("choosing", total - 1, total)
    options = _guarded(swept, singles, data, fixed_mixture, settings)
    options[MIX] = _mix_option(data, fixed_mixture, fixed_vertices, settings)
    chosen, why = choose(options, data.cluster, level=settings.guarded_at, seed=settings.seed)
    post_hoc = options[chosen].model.post_hoc
    notes += () if post_hoc is None else post_hoc.notes
    if settings.step_trials:
        report(f"prices per step of {chosen}", total - 1, total)
        options[chosen], changed = _refined(options[chosen], moved, data, fixed_mixture, settings)
        points = len(options[chosen].frontier.points)
        notes.append(f"prices per step: adopted at {changed} of {points} points of {chosen}")
    report("done", total, total)
    return Fit(
        selection=selection,
        options=options,
        chosen=chosen,
        fixed_mixture=fixed_mixture,
        rows=int(data.tuning.sum()),
        dropped=len(matrix) - int(data.tuning.sum()),
        notes=tuple(notes),
        why=why,
        tuning=TuningRows(data.tuned_quality, data.tuned_cost, data.cluster),
        questions=frozenset(group_hashes(matrix.queries)),
        guard_level=settings.guarded_at,
    )


def _guarded(
    swept: list[CandidateSweep],
    singles: Sweep,
    data: TrainingData,
    fixed_mixture: Frontier,
    settings: FitSettings,
) -> dict[str, Option]:
    """Hold every sweep against the fixed mixture, all points of all of them at once."""
    if not swept:
        return {}
    everything = reduce(add, (item.sweep for item in swept))
    points = [len(item.sweep) for item in swept]
    family = np.array([TOGETHER if s.name == ROUTING_TOGETHER else s.goes_by.value for s in swept])
    clear = clears_mix(
        everything,
        singles,
        data.cluster,
        sweep=np.repeat(np.arange(len(swept)), points),
        family=np.repeat(family, points),
        level=settings.guarded_at,
        seed=settings.seed,
    )
    options, offset = {}, 0
    for item in swept:
        kept = np.flatnonzero(clear[offset : offset + len(item.sweep)]).tolist()
        offset += len(item.sweep)
        vertices = (singles + item.sweep.take(kept)).hull()
        guarded = replace(fixed_mixture, points=vertices.points())
        options[item.name] = Option(
            name=item.name,
            model=item.model,
            frontier=guarded,
            unguarded=replace(fixed_mixture, points=item.sweep.hull().points()),
            kept=len(kept),
            tried=len(item.sweep),
            auc=_auc(guarded, fixed_mixture),
            seconds=item.seconds,
            vertices=vertices,
        )
    return options


def _refined(
    option: Option,
    moved: Sequence[PostHocFit],
    data: TrainingData,
    fixed_mixture: Frontier,
    settings: FitSettings,
) -> tuple[Option, int]:
    """The chosen option with prices per step, on the beliefs it was tuned on; and at how many points."""
    for item in moved:
        if item.model is option.model:
            beliefs, trials = item.crossfit.beliefs[0], settings.step_trials
            return refine_steps(option, beliefs, data, fixed_mixture, trials=trials, seed=settings.seed)
    return option, 0


def _mix_option(
    data: TrainingData, fixed_mixture: Frontier, vertices: Sweep, settings: FitSettings
) -> Option:
    """The fixed mixture as an option like any other."""
    means = weighted_means(data.quality, data.weight)
    fitted = CandidateMean().fit(data.inputs, data.quality, data.weight, seed=settings.seed)
    model = BeliefModel(data.encoder, fitted, Shrinkage(means, 1.0, 1.0), data.cost_model)
    seconds = {"fit": data.seconds, "tune": 0.0}
    auc = _auc(fixed_mixture, fixed_mixture)
    return Option(MIX, model, fixed_mixture, fixed_mixture, 0, 0, auc, seconds, vertices)


def _auc(frontier: Frontier, fixed_mixture: Frontier) -> float:
    """Mean quality of a frontier between the cheapest and the best fixed candidate's cost."""
    low, high = fixed_mixture.points[0], fixed_mixture.best_fixed
    cost = np.array([p.cost for p in frontier.points])
    quality = np.array([p.quality for p in frontier.points])
    if high.cost <= low.cost:
        return float(quality[-1])
    return auc(cost, quality, low.cost, high.cost, low.quality)
