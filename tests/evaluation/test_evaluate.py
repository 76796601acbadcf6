"""Evaluations of fits, of saved routers, and with whole tasks left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.errors import InputError, TableError
from penstock.evaluation import evaluate as module
from penstock.evaluation.evaluate import evaluate_fit, evaluate_router, evaluate_task_out
from penstock.fitting.result import Fit, router_of
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.targets import Target
from penstock.testing.tables import tiny, tiny_matrix

ROUTING = FitSettings(estimators=("ridge",), directions=12, policies=("routing",))
DRAWS = 60


@pytest.fixture(scope="module")
def document(fitted: Fit, test_matrix: OutcomeMatrix) -> dict[str, Any]:
    return evaluate_fit(fitted, test_matrix, dataset="tiny", draws=DRAWS)


def test_what_was_learned_holds_on_fresh_rows(document: dict[str, Any]) -> None:
    chosen = document["policies"][document["chosen"]]
    assert document["chosen"] != "mix/mean"
    assert chosen["gain_ratio"] > 0.2
    assert chosen["gain_ratio_ci95"][0] > 0.0
    assert document["policies"]["mix/mean"]["gain_ratio"] == 0.0
    assert chosen["saving"]["0.95"]["saving"] > 0.2
    assert chosen["saving"]["0.95"]["quality_ratio"] > 0.85


def test_incomplete_test_rows_are_dropped_and_counted(fitted: Fit) -> None:
    grid = tiny_matrix(100, seed=2, missing=0.05)
    complete = int((~np.isnan(grid.quality)).all(axis=1).sum())
    found = evaluate_fit(fitted, grid, dataset="tiny", draws=DRAWS)
    assert found["test_queries"] == complete < 100
    assert found["dropped_rows"] == {"fit": 0, "test": 100 - complete}


def test_evaluations_are_reproducible(
    fitted: Fit, test_matrix: OutcomeMatrix, document: dict[str, Any]
) -> None:
    again = evaluate_fit(fitted, test_matrix, dataset="tiny", draws=DRAWS)
    assert without_seconds(again) == without_seconds(document)


def without_seconds(document: dict[str, Any]) -> dict[str, Any]:
    policies = {
        name: {key: value for key, value in item.items() if key != "seconds"}
        for name, item in document["policies"].items()
    }
    return {**document, "policies": policies}


def test_a_saved_router_is_evaluated_as_its_fit_was(
    fitted: Fit, test_matrix: OutcomeMatrix, document: dict[str, Any], tmp_path: Path
) -> None:
    target = Target.parse("savings=0.5")
    save_bundle(router_of(fitted, target, seed=0, provenance={}), tmp_path / "r.penstock")
    found = evaluate_router(load_bundle(tmp_path / "r.penstock"), test_matrix, dataset="tiny", draws=DRAWS)
    name = document["chosen"]
    for key in (
        "dataset",
        "chosen",
        "candidates",
        "best_fixed",
        "fit_queries",
        "test_queries",
        "dropped",
        "controls",
    ):
        assert found[key] == document[key], key
    mine, theirs = (without_seconds(d)["policies"][name] for d in (found, document))
    assert {k: v for k, v in mine.items() if k != "unguarded"} == {
        k: v for k, v in theirs.items() if k != "unguarded"
    }
    assert list(found["policies"]) == [name]
    assert found["policies"][name]["seconds"]["fit"] is None, "it was fitted elsewhere"
    (asked,) = [a for a in document["asked_achieved"] if a["target"] == "savings=0.5"]
    assert found["asked_achieved"] == [asked]


def test_asked_beside_achieved(document: dict[str, Any]) -> None:
    for item in document["asked_achieved"]:
        achieved = item["achieved"]
        for name in ("cost", "quality", "strong_share"):
            low, high = achieved[f"{name}_ci95"]
            assert low <= achieved[name] <= high
        kind, _, value = item["target"].partition("=")
        if kind == "savings":
            assert achieved["saving"] >= float(value) - 0.1, "at least so much was asked for"


def test_what_cannot_be_met_is_said(fitted: Fit, test_matrix: OutcomeMatrix) -> None:
    found = evaluate_fit(fitted, test_matrix, dataset="x", draws=DRAWS, asked=[Target.parse("savings=1")])
    (item,) = found["asked_achieved"]
    assert item["achieved"] is None
    assert "cannot be met" in item["reason"]


def spy(monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[str], set[str], set[str], set[str]]]:
    """(fitted tasks, tested tasks, fitted groups, tested groups) of every part."""
    seen: list[list[Any]] = []
    fit, rows = module.fit_matrix, module.HeldOutRows

    def fit_matrix_(grid: OutcomeMatrix, *args: Any, **kwargs: Any) -> Fit:
        seen.append([grid])
        return fit(grid, *args, **kwargs)

    class Rows:
        @staticmethod
        def of(grid: OutcomeMatrix, *args: Any) -> Any:
            seen[-1].append(grid)
            return rows.of(grid, *args)

    monkeypatch.setattr(module, "fit_matrix", fit_matrix_)
    monkeypatch.setattr(module, "HeldOutRows", Rows)
    return seen


def test_task_out_never_tests_on_a_task_that_was_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = spy(monkeypatch)
    found = evaluate_task_out(
        tiny_matrix(120, seed=1), tiny_matrix(90, seed=2), ROUTING, dataset="t", draws=DRAWS
    )
    assert found["task_out_parts"] == len(seen) == 3
    tested: set[str] = set()
    for fitting, testing in seen:
        tasks = [{q.task for q in grid.queries} for grid in (fitting, testing)]
        assert not tasks[0] & tasks[1]
        tested |= tasks[1]
    assert tested == {"t0", "t1", "t2"}
    assert found["test_queries"] == 90, "every test row is tested on exactly once"
    assert found["fit_queries"] == 120
    assert found["chosen"] == "chosen/per-part"
    assert len(found["chosen_parts"]) == 3


def test_task_out_is_compared_with_the_options_every_part_tried() -> None:
    found = evaluate_task_out(
        tiny_matrix(120, seed=1),
        tiny_matrix(90, seed=2),
        ROUTING,
        dataset="t",
        draws=DRAWS,
        against=["routing/ridge", "routing/nobody", "unguarded routing/ridge"],
    )
    pair, loose = found["pairs"]
    assert (pair["first"], pair["second"]) == ("chosen/per-part", "routing/ridge")
    areas = [found["policies"][pair[side]]["auc"] for side in ("first", "second")]
    assert pair["auc_difference"]["difference"] == pytest.approx(areas[0] - areas[1], abs=1e-9)
    unguarded = found["policies"]["routing/ridge"]["unguarded"]["auc"]
    assert loose["auc_difference"]["difference"] == pytest.approx(areas[0] - unguarded, abs=1e-7)


def test_tasks_that_share_a_question_are_left_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were they dealt apart, a variant of a tested question would have been fitted on."""
    grid = tiny(120, seed=1).grid
    tasks = ("a", "b", "c", "d")
    queries = tuple(
        replace(q, task=tasks[i % 4], group=f"g{i - (i % 4 == 1)}") for i, q in enumerate(grid.queries)
    )
    grid = replace(grid, queries=queries)
    seen = spy(monkeypatch)
    evaluate_task_out(grid, grid, ROUTING, dataset="t", draws=DRAWS)
    for fitting, testing in seen:
        groups = [{q.group for q in part.queries} for part in (fitting, testing)]
        assert not groups[0] & groups[1]


def test_task_out_needs_three_tasks() -> None:
    grid = tiny_matrix(90)
    two = replace(grid, queries=tuple(replace(q, task="a" if q.task == "t0" else "b") for q in grid.queries))
    with pytest.raises(TableError, match="at least 3 tasks; the fitting table has 2"):
        evaluate_task_out(two, two, ROUTING, dataset="t")
    other = tiny_matrix(60, seed=9)
    strange = replace(other, queries=tuple(replace(q, task="new") for q in other.queries))
    found = evaluate_task_out(grid, strange, ROUTING, dataset="t", draws=DRAWS)
    assert found["task_out_parts"] == 1, "a task only the test table has is left out of every fit"


def test_unknown_settings_are_refused_before_anything_is_fitted(test_matrix: OutcomeMatrix) -> None:
    with pytest.raises(InputError, match="'magic'"):
        evaluate_task_out(test_matrix, test_matrix, replace(ROUTING, estimators=("magic",)), dataset="t")
