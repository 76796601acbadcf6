"""From a grid of outcomes to a tuned, guarded choice of estimator and policy.

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

from penstock.core.curves import area
from penstock.estimators.agreement.choose_form import READS_THE_TABLE
from penstock.estimators.base import weighted_means
from penstock.estimators.embeddings import Embedder
from penstock.estimators.ex_ante.encoder import EncoderScores, TextModel
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.estimators.ex_ante.mean import CandidateMean
from penstock.estimators.registry import estimator
from penstock.estimators.shrinkage import Shrinkage
from penstock.fitting.choose_option import ROUTING_TOGETHER, best_estimates, choose
from penstock.fitting.crossfit_stages import (
    Believed,
    Draft,
    believe,
    draft_routing,
    draft_sequential,
    ensemble,
    look_at_answers,
)
from penstock.fitting.guard import AGREEMENT, NOTHING, OWN_SIGNS, TOGETHER, clears_mix
from penstock.fitting.result import MIX, Fit, Option, TuningRows
from penstock.fitting.search_spaces import LOOKAHEAD, ROUTING, fixed
from penstock.fitting.select_candidates import select_candidates
from penstock.fitting.settings import FitSettings, Progress
from penstock.fitting.sweep import Swept, sweep
from penstock.fitting.threads import undivided_sums
from penstock.fitting.training_data import FittingRows, prepare_rows
from penstock.outcomes.matrix import Grid
from penstock.outcomes.splits import question_marks
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Frontier

DEFAULTS = FitSettings()
EXTRACTED = (
    "answers are compared as the table's scorer extracted them, which says more than their text; a gateway "
    "sees text alone, so let candidates state their answers as a scorer reads them"
)
TOKENS_UNKNOWN = "costs are input tokens x list price: output tokens are unknown"


@undivided_sums()
def fit_grid(
    grid: Grid,
    settings: FitSettings = DEFAULTS,
    *,
    candidates: Sequence[str] | None = None,
    progress: Progress | None = None,
    text_model: TextModel | None = None,
    embedder: Embedder | None = None,
) -> Fit:
    """Fit every estimator and policy of ``settings`` and choose.

    Routing is tried with every estimator and with the mean of all of them (``ensemble``), policies that look
    at answers with ``choice.best_estimates``; after half the time limit no further estimator is
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
    selection = select_candidates(grid, candidates)
    grid = grid.select(selection.names)
    report("reading prompts" if embedder is None else "embedding prompts", 0, total)
    rows = prepare_rows(grid, selection.best_fixed, settings, text_model, embedder)
    singles = sweep(
        fixed(len(selection.names)), rows.no_beliefs(), rows.tuned_quality, rows.tuned_cost, rows.best
    )
    mix_vertices = singles.hull()
    mix = Frontier(mix_vertices.points(), singles.point(rows.best), grid.cost_unit)
    drafts: list[Draft] = []
    known: list[Believed] = []
    notes = [TOKENS_UNKNOWN] if grid.estimated_cost else []
    for i, kind in enumerate(kinds):
        if known and settings.spent(started):
            left = ", ".join(k.name for k in kinds[i:])
            notes.append(f"not tried within {settings.time_limit:g} s: {left}")
            break
        report(f"fitting {kind.name}", 1 + i, total)
        known.append(believe(kind, rows, settings))
        drafts += draft_routing(known[-1], rows, settings)
    if ENSEMBLE in settings.estimators and len(known) > 1:
        known.append(ensemble(known, rows))
        drafts += draft_routing(known[-1], rows, settings)
    report("replaying answers", total - 2, total)
    if settings.looks:
        looked = look_at_answers(best_estimates(known, rows), rows, settings.seed)
        drafts += draft_sequential(looked, rows, settings)
    if not drafts:
        asked = ", ".join(settings.policies)
        notes.append(f"nothing to try: answers show nothing that the policies asked for ({asked}) go by")
    report("choosing", total - 1, total)
    options = _guarded(drafts, singles, rows, mix, settings)
    options[MIX] = _mix_option(rows, mix, mix_vertices, settings)
    chosen, why = choose(options, rows.cluster, confidence=settings.guarded_at, seed=settings.seed)
    compared = options[chosen].belief.consensus
    if compared is not None and compared.comparison.form in READS_THE_TABLE:
        notes.append(EXTRACTED)
    report("done", total, total)
    return Fit(
        selection=selection,
        options=options,
        chosen=chosen,
        mix=mix,
        rows=int(rows.tuning.sum()),
        dropped=len(grid) - int(rows.tuning.sum()),
        notes=tuple(notes),
        why=why,
        tuning=TuningRows(rows.tuned_quality, rows.tuned_cost, rows.cluster),
        questions=frozenset(question_marks(grid.queries)),
        confidence=settings.guarded_at,
    )


_GOES_BY = {ROUTING_TOGETHER: TOGETHER, ROUTING: NOTHING, LOOKAHEAD: AGREEMENT}
"""By an option's whole name, else by its policy; every other policy goes by an answer's own signs."""


def _guarded(
    drafts: list[Draft], singles: Swept, rows: FittingRows, mix: Frontier, settings: FitSettings
) -> dict[str, Option]:
    """Hold every draft against the mix, all points of all drafts at once."""
    if not drafts:
        return {}
    everything = reduce(add, (d.swept for d in drafts))
    points = [len(d.swept) for d in drafts]
    family = np.array(
        [_GOES_BY.get(d.name, _GOES_BY.get(d.name.partition("/")[0], OWN_SIGNS)) for d in drafts]
    )
    clear = clears_mix(
        everything,
        singles,
        rows.cluster,
        sweep=np.repeat(np.arange(len(drafts)), points),
        family=np.repeat(family, points),
        confidence=settings.guarded_at,
        seed=settings.seed,
    )
    options, offset = {}, 0
    for item in drafts:
        kept = np.flatnonzero(clear[offset : offset + len(item.swept)]).tolist()
        offset += len(item.swept)
        vertices = (singles + item.swept.take(kept)).hull()
        guarded = replace(mix, points=vertices.points())
        options[item.name] = Option(
            name=item.name,
            belief=item.belief,
            frontier=guarded,
            unguarded=replace(mix, points=item.swept.hull().points()),
            kept=len(kept),
            tried=len(item.swept),
            area=_area(guarded, mix),
            seconds=item.seconds,
            vertices=vertices,
        )
    return options


def _mix_option(rows: FittingRows, mix: Frontier, vertices: Swept, settings: FitSettings) -> Option:
    """The fitted mix as an option like any other."""
    means = weighted_means(rows.quality, rows.weight)
    fitted = CandidateMean().fit(rows.inputs, rows.quality, rows.weight, seed=settings.seed)
    belief = BeliefModel(rows.encoder, fitted, Shrinkage(means, 1.0, 1.0), rows.cost_model, None)
    seconds = {"fit": rows.seconds, "tune": 0.0}
    return Option(MIX, belief, mix, mix, 0, 0, _area(mix, mix), seconds, vertices)


def _area(frontier: Frontier, mix: Frontier) -> float:
    """Mean quality of a frontier between the cheapest and the best fixed candidate's cost."""
    low, high = mix.points[0], mix.best_fixed
    cost = np.array([p.cost for p in frontier.points])
    quality = np.array([p.quality for p in frontier.points])
    if high.cost <= low.cost:
        return float(quality[-1])
    return area(cost, quality, low.cost, high.cost, low.quality)
