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
from penstock.answers.published_features import Answers, observe_answers
from penstock.belief import Belief, OwnAnswerBelief
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.post_hoc.per_set import PUBLISHED, PerSetSettings, fit_per_set
from penstock.estimators.post_hoc.set_belief import SetBelief
from penstock.estimators.post_hoc.set_features import SetRows
from penstock.estimators.recorded import RecordedAnswers
from penstock.fitting.crossfit_stages import fit_ex_ante, fit_post_hoc
from penstock.fitting.settings import FitSettings
from penstock.fitting.training_data import TrainingData, prepare_data
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.state import draw_of
from penstock.types import IntArray

KINDS = ("own answer", "joint", "per set", "per set, as published")


def fitted_split(
    grid: OutcomeMatrix,
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
    settings = FitSettings(
        (ex_ante,), post_hoc=("logistic",), features=features, directions=directions, seed=seed
    )
    rows = prepare_data(fitting, best, settings)
    (known,) = fit_post_hoc(fit_ex_ante(estimator(ex_ante), rows, settings), rows, settings)
    model, (part,) = known.model, known.crossfit.beliefs[0]
    draw = np.array([draw_of(q.id, seed) for q in held.queries])
    before = model.before(model.encoder.encode(held.queries), draw)
    tuned, judged = part.belief, model.recorded(before, RecordedAnswers.of(held))
    assert isinstance(tuned, OwnAnswerBelief)
    assert isinstance(judged, OwnAnswerBelief)
    sources: dict[str, tuple[Belief, Belief]] = {"own answer": (tuned, judged)}
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
    rows: TrainingData, tuned: OwnAnswerBelief, judged: OwnAnswerBelief, answers: tuple[Answers, Answers]
) -> tuple[Belief, Belief]:
    """Conditioned on ex-ante and own-answer estimates and on who agrees with whom."""
    signals = Signals.of(tuned.ex_ante, tuned.post_hoc, answers[0])
    shown = Signals.of(judged.ex_ante, judged.post_hoc, answers[1])
    held = crossfit_joint(signals, rows.quality, rows.fold)
    return (
        SetBelief(held, tuned.cost, tuned.draw),
        SetBelief(fit_joint(signals, rows.quality).on(shown), judged.cost, judged.draw),
    )


def per_set_sources(
    rows: TrainingData,
    tuned: OwnAnswerBelief,
    judged: OwnAnswerBelief,
    answers: tuple[Answers, Answers],
    settings: PerSetSettings,
) -> tuple[Belief, Belief]:
    """One regression per (candidate, executed set)."""
    model = fit_per_set(answers[0], tuned.ex_ante, rows.quality, rows.weight, rows.fold, settings=settings)
    shown = SetRows.of(answers[1], judged.ex_ante)
    return (
        SetBelief(model.on_fitting_rows(), tuned.cost, tuned.draw),
        SetBelief(model.on(shown), judged.cost, judged.draw),
    )
