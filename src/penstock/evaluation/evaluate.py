"""Evaluate what was fitted on one table on rows of another; the JSON of ``penstock evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from penstock.core.resample import bootstrap_weights
from penstock.errors import TableError, TargetError
from penstock.estimators.embeddings import Embedder
from penstock.evaluation.calibration import calibration
from penstock.evaluation.measure import UNGUARDED, measure
from penstock.evaluation.replay_on import Realised, TestRows, pool, realise, showings
from penstock.fitting.fit import fit_grid
from penstock.fitting.result import Fit, fit_of
from penstock.fitting.select_candidates import complete_rows, select_candidates
from penstock.fitting.settings import FitSettings, Progress
from penstock.outcomes.matrix import Grid
from penstock.outcomes.splits import groups_of, question_marks, task_out_splits
from penstock.router.replay import BeliefSource, replay
from penstock.router.router import Router
from penstock.router.targets import Target
from penstock.types import FloatArray

PER_PART = "chosen/per-part"
"""The option that is what each part of a task-out evaluation chose by itself."""
_ASKED = ("savings=0.25", "savings=0.5", "quality=0.95", "quality=0.99")


def evaluate_fit(
    fit: Fit,
    test: Grid,
    *,
    dataset: str,
    draws: int = 1000,
    seed: int = 0,
    asked: Sequence[Target] = (),
    pairs: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The evaluation of every option of ``fit`` on the complete rows of ``test``; ``pairs`` of options are
    also compared with each other."""
    rows = TestRows.of(test, fit, seed)
    realised = realise(fit, rows)
    targets = asked or [Target.parse(text) for text in _ASKED]
    measured = measure(realised, draws=draws, seed=seed, pairs=pairs)
    result = _document(fit, realised, dataset, measured)
    if pairs:
        result["pairs"] = measured["pairs"]
    seen = showings(fit.option.belief, rows)
    result["notes"] += _overlap(fit, test)
    result["asked_achieved"] = [_achieved(fit, rows, seen, target, draws, seed) for target in targets]
    return result


def evaluate_router(router: Router, test: Grid, *, dataset: str, draws: int = 1000) -> dict[str, Any]:
    """The same for a saved bundle: its own option and the mix it was guarded against.

    Mixtures draw with the router's own seed, as the gateway does.
    """
    return evaluate_fit(
        fit_of(router), test, dataset=dataset, draws=draws, seed=router.seed, asked=[router.target]
    )


def _overlap(fit: Fit, test: Grid) -> list[str]:
    """A note where test queries ask what was fitted on."""
    shared = sum(mark in fit.questions for mark in question_marks(test.queries))
    if not shared:
        return []
    return [
        f"{shared} of {len(test)} test queries ask a question of the fitting table: "
        "what is measured on them is not held out"
    ]


def evaluate_task_out(
    fitting: Grid,
    test: Grid,
    settings: FitSettings,
    *,
    dataset: str,
    candidates: Sequence[str] | None = None,
    held_out: int = 5,
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
    parts: list[tuple[Fit, Realised]] = []
    per_task = replace(settings, fold_by="task")
    for keep, held in task_out_splits(everything, min(held_out, len(tasks)), settings.seed):
        fit_rows, test_rows = keep[keep < n], held[held >= n] - n
        if not len(test_rows) or len({fitting.queries[i].task for i in fit_rows}) < 2:
            continue
        fit = fit_grid(
            fitting.rows(fit_rows), per_task, candidates=names, progress=progress, embedder=embedder
        )
        parts.append((fit, realise(fit, TestRows.of(test.rows(test_rows), fit, settings.seed))))
    if not parts:
        raise TableError("no task of the test table can be left out of the fitting table")
    realised = pool([_with_chosen(fit, part) for fit, part in parts])
    pairs = [(PER_PART, name) for name in against if name.removeprefix(UNGUARDED) in realised.options]
    measured = measure(realised, draws=draws, seed=settings.seed, pairs=pairs)
    document = _document(parts[0][0], realised, dataset, measured)
    if pairs:
        document["pairs"] = measured["pairs"]
    document["chosen"] = PER_PART
    document["chosen_parts"] = [fit.chosen for fit, _ in parts]
    complete = int(complete_rows(fitting.select(names)).sum())
    document["fit_queries"], document["dropped_rows"]["fit"] = complete, n - complete
    document["dropped"] = sum(document["dropped_rows"].values())
    document["candidates"], document["left_out"] = list(names), selection.left_out
    document["task_out_parts"] = len(parts)
    return document


def _with_chosen(fit: Fit, realised: Realised) -> tuple[Fit, Realised]:
    """Add what each part chose by itself as an option of its own, so that the choice can be pooled."""
    options = {**fit.options, PER_PART: fit.option}
    done = {**realised.options, PER_PART: realised.options[fit.chosen]}
    return replace(fit, options=options, chosen=PER_PART), replace(realised, options=done)


def _document(fit: Fit, realised: Realised, dataset: str, measured: dict[str, Any]) -> dict[str, Any]:
    estimators = {name.partition("/")[2]: option for name, option in realised.options.items()}
    return {
        "dataset": dataset,
        "fit_queries": fit.rows,
        "test_queries": len(realised.quality),
        "dropped": fit.dropped + realised.dropped,
        "dropped_rows": {"fit": fit.dropped, "test": realised.dropped},
        "candidates": list(fit.selection.names),
        "left_out": fit.selection.left_out,
        "best_fixed": fit.selection.best_fixed,
        "cost_unit": str(fit.cost_unit),
        "controls": measured["controls"],
        "chosen": fit.chosen,
        "policies": measured["policies"],
        "calibration": {
            name: calibration(option.predicted, realised.quality) for name, option in estimators.items()
        },
        "notes": list(fit.notes),
    }


def _achieved(
    fit: Fit,
    rows: TestRows,
    seen: Sequence[tuple[BeliefSource, Grid]],
    target: Target,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """What was asked, what tuning expected, and what the chosen option achieved on test rows."""
    try:
        point = fit.option.frontier.at(target)
    except TargetError as error:
        return {
            "target": str(target),
            "asked": target.value,
            "expected": None,
            "achieved": None,
            "reason": str(error),
        }
    replays = [replay(point.policy, beliefs, got.quality, got.cost) for beliefs, got in seen]
    cluster = np.unique(groups_of(rows.grid.queries), return_inverse=True)[1]
    weights = bootstrap_weights(cluster, draws=draws, seed=seed)
    best = fit.selection.names.index(fit.selection.best_fixed)
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
    fixed = rows.grid.quality[:, best].mean(), rows.grid.cost[:, best].mean()
    achieved["quality_ratio"] = float(columns["quality"].mean() / max(fixed[0], 1e-12))
    achieved["saving"] = float(1 - columns["cost"].mean() / fixed[1])
    expected = {"cost": point.cost, "quality": point.quality, "strong_share": point.strong_share}
    return {"target": str(target), "asked": target.value, "expected": expected, "achieved": achieved}
