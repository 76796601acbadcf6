"""Estimates fitted on prompts, answers and outcomes of fitting rows: nothing here has seen the truth of a
test row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from benchmarks.experiments.compare import Split
from benchmarks.experiments.tables import truths
from benchmarks.research.joint import crossfit_joint, fit_joint
from benchmarks.research.joint_signals import Signals
from penstock.answers.canonical import Normaliser, final_answer
from penstock.answers.features import observe
from penstock.estimators.post_hoc.logistic import predict_all
from penstock.estimators.post_hoc.per_set import PUBLISHED, PerSetSettings, fit_per_set
from penstock.estimators.post_hoc.published_features import Answers, observe_answers
from penstock.estimators.post_hoc.set_features import SetRows
from penstock.estimators.registry import estimator
from penstock.fitting.crossfit_stages import believe, look_at_answers
from penstock.fitting.settings import FitSettings
from penstock.fitting.training_data import FittingRows, prepare_rows
from penstock.outcomes.matrix import Grid
from penstock.router.replay import Beliefs, BeliefSource
from penstock.router.set_beliefs import JointBeliefs, SetBeliefs
from penstock.state import draw_of
from penstock.types import IntArray

KINDS = ("own answer", "joint", "per set", "per set, as published")


def fitted_split(
    grid: Grid,
    fit: IntArray,
    test: IntArray,
    *,
    seed: int,
    kinds: Sequence[str] = KINDS,
    normaliser: Normaliser = final_answer,
    ex_ante: str = "blend",
    features: str = "prompt",
    directions: int = 96,
) -> Split:
    """Ex-ante estimates from the prompt; once a candidate has run, from its answer too.

    *own answer*: each answer moves its own candidate's estimate; *per set*: one regression per executed set
    with who agrees with whom, refined, or with the published features; *joint*: one Gaussian over qualities,
    ex-ante and own-answer estimates and agreements. Policies are tuned on out-of-fold estimates. The grid's
    rows are complete.
    """
    started = perf_counter()
    fitting, held = grid.rows(fit), grid.rows(test)
    best = grid.candidates[int(np.argmax(fitting.quality.mean(axis=0)))]
    settings = FitSettings((ex_ante,), features=features, directions=directions, seed=seed)
    rows = prepare_rows(fitting, best, settings)
    known = look_at_answers(believe(estimator(ex_ante), rows, settings), rows, seed)
    model, tuned = known.model, known.beliefs[0]
    before, cost = model.before(held.queries)
    draw = np.array([draw_of(q.id, seed) for q in held.queries])
    after = before
    if model.post_hoc is not None:
        after = predict_all(model.post_hoc, before, observe(held.answer_of, *held.quality.shape))
    judged = Beliefs(before, after, cost, draw, model.spread(before))
    sources: dict[str, tuple[BeliefSource, BeliefSource]] = {"own answer": (tuned, judged)}
    seconds = {"own answer": perf_counter() - started}
    if set(kinds) - {"own answer"}:
        answers = (observe_answers(fitting, normaliser), observe_answers(held, normaliser))
        for kind in kinds:
            if kind == "own answer":
                continue
            began = perf_counter()
            if kind == "joint":
                sources[kind] = joint_sources(rows, tuned, judged, answers)
            else:
                regressions = PUBLISHED if kind == "per set, as published" else PerSetSettings()
                depth = min(5, len(grid.candidates))
                sources[kind] = per_set_sources(
                    rows, tuned, judged, answers, replace(regressions, max_depth=depth)
                )
            seconds[kind] = seconds["own answer"] + perf_counter() - began
    fit_truth, test_truth = truths(grid, (fit, test))
    return Split(sources, fit_truth, test_truth, seconds)


def joint_sources(
    rows: FittingRows, tuned: Beliefs, judged: Beliefs, answers: tuple[Answers, Answers]
) -> tuple[BeliefSource, BeliefSource]:
    """Conditioned on ex-ante and own-answer estimates and on who agrees with whom."""
    signals = Signals.of(tuned.ex_ante, tuned.post_hoc, answers[0])
    shown = Signals.of(judged.ex_ante, judged.post_hoc, answers[1])
    held = crossfit_joint(signals, rows.quality, rows.fold)
    return (
        JointBeliefs(held, tuned.cost, tuned.draw),
        JointBeliefs(fit_joint(signals, rows.quality).on(shown), judged.cost, judged.draw),
    )


def per_set_sources(
    rows: FittingRows,
    tuned: Beliefs,
    judged: Beliefs,
    answers: tuple[Answers, Answers],
    settings: PerSetSettings,
) -> tuple[BeliefSource, BeliefSource]:
    """One regression per (candidate, executed set)."""
    model = fit_per_set(answers[0], tuned.ex_ante, rows.quality, rows.weight, rows.fold, settings=settings)
    shown = SetRows.of(answers[1], judged.ex_ante)
    return (
        SetBeliefs(model.on_fitting_rows(), tuned.cost, tuned.draw),
        SetBeliefs(model.on(shown), judged.cost, judged.draw),
    )
