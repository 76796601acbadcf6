"""Evaluate what was fitted on one table on rows of another; the JSON of ``penstock evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from penstock.belief import Belief
from penstock.core.resample import bootstrap_weights
from penstock.errors import TableError, TargetError
from penstock.estimators.embeddings import Embedder
from penstock.evaluation.calibration import calibration
from penstock.evaluation.measure import UNGUARDED, measure
from penstock.evaluation.replay_on import HeldOutResult, HeldOutRows, beliefs_on, pool, replay_on
from penstock.evaluation.sater_metrics import tradeoff
from penstock.evaluation.subject import Subject, of_fit, of_routers
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import Fit
from penstock.fitting.select_candidates import complete_rows, select_candidates
from penstock.fitting.settings import FitSettings, Progress
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import group_hashes, groups_of, task_out_splits
from penstock.router.replay import replay
from penstock.router.router import FittedRouter
from penstock.router.targets import Target
from penstock.types import FloatArray

PER_PART = "chosen/per-part"
"""The option that is what each part of a task-out evaluation chose by itself."""
_ASKED = ("savings=0.25", "savings=0.5", "quality=0.95", "quality=0.99")


def evaluate_fit(
    fit: Fit,
    test: OutcomeMatrix,
    *,
    dataset: str,
    draws: int = 1000,
    seed: int = 0,
    asked: Sequence[Target] = (),
    pairs: Sequence[tuple[str, str]] = (),
    ends: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The evaluation of every option of ``fit`` on the complete rows of ``test``; ``pairs`` of options are
    also compared with each other."""
    subject = of_fit(fit)
    return evaluate(
        subject, test, dataset=dataset, draws=draws, seed=seed, asked=asked, pairs=pairs, ends=ends
    )


def evaluate_router(
    router: FittedRouter,
    test: OutcomeMatrix,
    *,
    dataset: str,
    draws: int = 1000,
    ends: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The same for a saved bundle: its own option and the fixed mixture it was guarded against.

    Mixtures draw with the router's own seed, as the gateway does.
    """
    subject = of_routers([router])
    asked = [router.target]
    return evaluate(subject, test, dataset=dataset, draws=draws, seed=router.seed, asked=asked, ends=ends)


def evaluate(
    subject: Subject,
    test: OutcomeMatrix,
    *,
    dataset: str,
    draws: int = 1000,
    seed: int = 0,
    asked: Sequence[Target] = (),
    pairs: Sequence[tuple[str, str]] = (),
    ends: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Of everything in ``subject``, on the complete rows of ``test``; with ``ends``, a small and a large
    candidate, SATER's figures between them too."""
    rows = HeldOutRows.of(test, subject, seed)
    held_out = replay_on(subject, rows)
    targets = asked or [Target.parse(text) for text in _ASKED]
    measured = measure(held_out, draws=draws, seed=seed, pairs=pairs)
    result = _document(subject, held_out, dataset, measured)
    if pairs:
        result["pairs"] = measured["pairs"]
    if ends is not None:
        result["tradeoff"] = tradeoff(subject, rows, small=ends[0], large=ends[1], target=targets[0])
    seen = beliefs_on(subject.option.model, rows)
    result["notes"] += _overlap(subject, test)
    result["asked_achieved"] = [_achieved(subject, rows, seen, target, draws, seed) for target in targets]
    return result


def _overlap(subject: Subject, test: OutcomeMatrix) -> list[str]:
    """A note where test queries ask what was fitted on."""
    shared = sum(mark in subject.questions for mark in group_hashes(test.queries))
    if not shared:
        return []
    return [
        f"{shared} of {len(test)} test queries ask a question of the fitting table: "
        "what is measured on them is not held out"
    ]


def evaluate_task_out(
    fitting: OutcomeMatrix,
    test: OutcomeMatrix,
    settings: FitSettings,
    *,
    dataset: str,
    candidates: Sequence[str] | None = None,
    tasks_out: int = 5,
    draws: int = 1000,
    progress: Progress | None = None,
    embedder: Embedder | None = None,
    against: Sequence[str] = (),
) -> dict[str, Any]:
    """Whole tasks left out: each part of the tasks is tested on with fits that saw none of its rows.

    Candidates are selected once, on all fitting rows; everything else, the best fixed candidate included, is
    fitted per part, and cross-fitted with whole tasks left out as well. What is chosen is also compared with
    the options ``against``, as far as every part tried them. Raises TableError with fewer than
    three tasks (one to test on and two to cross-fit over).
    """
    tasks = sorted({q.task or "" for q in fitting.queries})
    if len(tasks) < 3:
        raise TableError(f"leaving tasks out needs at least 3 tasks; the fitting table has {len(tasks)}")
    selection = select_candidates(fitting, candidates)
    names = selection.names
    everything = (*fitting.queries, *test.queries)
    n = len(fitting)
    parts: list[tuple[Subject, HeldOutResult]] = []
    per_task = replace(settings, fold_by="task")
    for keep, held in task_out_splits(everything, min(tasks_out, len(tasks)), settings.seed):
        fit_rows, test_rows = keep[keep < n], held[held >= n] - n
        if not len(test_rows) or len({fitting.queries[i].task for i in fit_rows}) < 2:
            continue
        fit = fit_matrix(
            fitting.rows(fit_rows), per_task, candidates=names, progress=progress, embedder=embedder
        )
        subject = of_fit(fit)
        rows = HeldOutRows.of(test.rows(test_rows), subject, settings.seed)
        parts.append((subject, replay_on(subject, rows)))
    if not parts:
        raise TableError("no task of the test table can be left out of the fitting table")
    held_out = pool([_with_chosen(subject, part) for subject, part in parts])
    pairs = [(PER_PART, name) for name in against if name.removeprefix(UNGUARDED) in held_out.options]
    measured = measure(held_out, draws=draws, seed=settings.seed, pairs=pairs)
    document = _document(parts[0][0], held_out, dataset, measured)
    if pairs:
        document["pairs"] = measured["pairs"]
    document["chosen"] = PER_PART
    document["chosen_parts"] = [subject.chosen for subject, _ in parts]
    complete = int(complete_rows(fitting.select(names)).sum())
    document["fit_queries"], document["dropped_rows"]["fit"] = complete, n - complete
    document["dropped"] = sum(document["dropped_rows"].values())
    document["candidates"], document["left_out"] = list(names), selection.left_out
    document["task_out_parts"] = len(parts)
    return document


def _with_chosen(subject: Subject, held_out: HeldOutResult) -> tuple[Subject, HeldOutResult]:
    """Add what each part chose by itself as an option of its own, so that the choice can be pooled."""
    options = {**subject.options, PER_PART: subject.option}
    done = {**held_out.options, PER_PART: held_out.options[subject.chosen]}
    return replace(subject, options=options, chosen=PER_PART), replace(held_out, options=done)


def _document(
    subject: Subject, held_out: HeldOutResult, dataset: str, measured: dict[str, Any]
) -> dict[str, Any]:
    estimators = {name.partition("/")[2]: option for name, option in held_out.options.items()}
    return {
        "dataset": dataset,
        "fit_queries": subject.rows,
        "test_queries": len(held_out.quality),
        "dropped": subject.dropped + held_out.dropped,
        "dropped_rows": {"fit": subject.dropped, "test": held_out.dropped},
        "candidates": list(subject.candidates),
        "left_out": dict(subject.left_out),
        "best_fixed": subject.best_fixed,
        "cost_unit": str(subject.cost_unit),
        "controls": measured["controls"],
        "chosen": subject.chosen,
        "policies": measured["policies"],
        "calibration": {
            name: calibration(option.predicted, held_out.quality) for name, option in estimators.items()
        },
        "notes": list(subject.notes),
    }


def _achieved(
    subject: Subject,
    rows: HeldOutRows,
    seen: Sequence[tuple[Belief, OutcomeMatrix]],
    target: Target,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """What was asked, what tuning expected, and what the chosen option achieved on test rows."""
    try:
        point = subject.option.frontier.at(target)
    except TargetError as error:
        return {
            "target": str(target),
            "asked": target.value,
            "expected": None,
            "achieved": None,
            "reason": str(error),
        }
    replays = [replay(point.policy, beliefs, got.quality, got.cost) for beliefs, got in seen]
    cluster = np.unique(groups_of(rows.matrix.queries), return_inverse=True)[1]
    weights = bootstrap_weights(cluster, draws=draws, seed=seed)
    best = subject.candidates.index(subject.best_fixed)
    columns: dict[str, FloatArray] = {
        "cost": np.mean([r.cost for r in replays], axis=0),
        "quality": np.mean([r.quality for r in replays], axis=0),
        "strong_share": np.mean([r.executed[:, best] for r in replays], axis=0),
    }
    achieved: dict[str, Any] = {}
    for name, values in columns.items():
        means = weights @ values / weights.sum(axis=1)
        achieved[name] = float(values.mean())
        achieved[f"{name}_ci95"] = np.quantile(means, [0.025, 0.975]).tolist()
    fixed = rows.matrix.quality[:, best].mean(), rows.matrix.cost[:, best].mean()
    achieved["quality_ratio"] = float(columns["quality"].mean() / max(fixed[0], 1e-12))
    achieved["saving"] = float(1 - columns["cost"].mean() / fixed[1])
    expected = {"cost": point.cost, "quality": point.quality, "strong_share": point.strong_share}
    return {"target": str(target), "asked": target.value, "expected": expected, "achieved": achieved}
