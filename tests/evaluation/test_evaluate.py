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
from penstock.evaluation.replay_on import TestRows, pool, realise
from penstock.fitting.fit import fit_grid
from penstock.fitting.result import Fit, router_of
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import Grid
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.targets import Target
from penstock.testing.tables import tiny, tiny_grid

ROUTING = FitSettings(estimators=("ridge",), directions=12, policies=("routing",))
DRAWS = 60


@pytest.fixture(scope="module")
def document(fitted: Fit, test_grid: Grid) -> dict[str, Any]:
    return evaluate_fit(fitted, test_grid, dataset="tiny", draws=DRAWS)


def test_what_was_learned_holds_on_fresh_rows(document: dict[str, Any]) -> None:
    chosen = document["policies"][document["chosen"]]
    assert document["chosen"] != "mix/mean"
    assert chosen["gain_ratio"] > 0.2
    assert chosen["gain_ratio_ci95"][0] > 0.0
    assert document["policies"]["mix/mean"]["gain_ratio"] == 0.0
    assert chosen["saving"]["0.95"]["saving"] > 0.2
    assert chosen["saving"]["0.95"]["quality_ratio"] > 0.85


def test_nothing_of_the_test_outcomes_reaches_a_decision(fitted: Fit, test_grid: Grid) -> None:
    turned = replace(test_grid, quality=1.0 - test_grid.quality)
    one, two = (realise(fitted, TestRows.of(g, fitted, 0)) for g in (test_grid, turned))
    for name, option in one.options.items():
        np.testing.assert_array_equal(option.curve.cost, two.options[name].curve.cost)
        np.testing.assert_array_equal(option.predicted, two.options[name].predicted)


def test_incomplete_test_rows_are_dropped_and_counted(fitted: Fit) -> None:
    grid = tiny_grid(100, seed=2, missing=0.05)
    complete = int((~np.isnan(grid.quality)).all(axis=1).sum())
    found = evaluate_fit(fitted, grid, dataset="tiny", draws=DRAWS)
    assert found["test_queries"] == complete < 100
    assert found["dropped_rows"] == {"fit": 0, "test": 100 - complete}


def test_tables_that_cannot_be_tested_on(fitted: Fit, test_grid: Grid) -> None:
    with pytest.raises(TableError, match="'large' was fitted but has no outcome"):
        TestRows.of(test_grid.select(["small", "middle"]), fitted, 0)
    empty = replace(test_grid, quality=np.full_like(test_grid.quality, np.nan))
    with pytest.raises(TableError, match="no test query was answered"):
        TestRows.of(empty, fitted, 0)


def test_evaluations_are_reproducible(fitted: Fit, test_grid: Grid, document: dict[str, Any]) -> None:
    again = evaluate_fit(fitted, test_grid, dataset="tiny", draws=DRAWS)
    assert without_seconds(again) == without_seconds(document)


def without_seconds(document: dict[str, Any]) -> dict[str, Any]:
    policies = {
        name: {key: value for key, value in item.items() if key != "seconds"}
        for name, item in document["policies"].items()
    }
    return {**document, "policies": policies}


def test_a_saved_router_is_evaluated_as_its_fit_was(
    fitted: Fit, test_grid: Grid, document: dict[str, Any], tmp_path: Path
) -> None:
    target = Target.parse("savings=0.5")
    save_bundle(router_of(fitted, target, seed=0, provenance={}), tmp_path / "r.penstock")
    found = evaluate_router(load_bundle(tmp_path / "r.penstock"), test_grid, dataset="tiny", draws=DRAWS)
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


def test_what_cannot_be_met_is_said(fitted: Fit, test_grid: Grid) -> None:
    found = evaluate_fit(fitted, test_grid, dataset="x", draws=DRAWS, asked=[Target.parse("savings=1")])
    (item,) = found["asked_achieved"]
    assert item["achieved"] is None
    assert "cannot be met" in item["reason"]


def spy(monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[str], set[str], set[str], set[str]]]:
    """(fitted tasks, tested tasks, fitted groups, tested groups) of every part."""
    seen: list[list[Any]] = []
    fit, rows = module.fit_grid, module.TestRows

    def fit_grid_(grid: Grid, *args: Any, **kwargs: Any) -> Fit:
        seen.append([grid])
        return fit(grid, *args, **kwargs)

    class Rows:
        @staticmethod
        def of(grid: Grid, *args: Any) -> Any:
            seen[-1].append(grid)
            return rows.of(grid, *args)

    monkeypatch.setattr(module, "fit_grid", fit_grid_)
    monkeypatch.setattr(module, "TestRows", Rows)
    return seen


def test_task_out_never_tests_on_a_task_that_was_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = spy(monkeypatch)
    found = evaluate_task_out(
        tiny_grid(120, seed=1), tiny_grid(90, seed=2), ROUTING, dataset="t", draws=DRAWS
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
        tiny_grid(120, seed=1),
        tiny_grid(90, seed=2),
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
    grid = tiny_grid(90)
    two = replace(grid, queries=tuple(replace(q, task="a" if q.task == "t0" else "b") for q in grid.queries))
    with pytest.raises(TableError, match="at least 3 tasks; the fitting table has 2"):
        evaluate_task_out(two, two, ROUTING, dataset="t")
    other = tiny_grid(60, seed=9)
    strange = replace(other, queries=tuple(replace(q, task="new") for q in other.queries))
    found = evaluate_task_out(grid, strange, ROUTING, dataset="t", draws=DRAWS)
    assert found["task_out_parts"] == 1, "a task only the test table has is left out of every fit"


def test_parts_that_rank_candidates_differently_are_pooled_by_name() -> None:
    """On one task the middle candidate is the cheapest: its fit lists it first, the others' do not."""
    grid = tiny(240, seed=1).grid
    cost = grid.cost.copy()
    first = np.array([q.task == "t0" for q in grid.queries])
    cost[first, 0] *= 9.0
    grid = replace(grid, cost=cost)
    parts = []
    for rows in (first, ~first):
        fit = fit_grid(grid.rows(rows), ROUTING, candidates=["small", "middle", "large"])
        parts.append((fit, realise(fit, TestRows.of(grid.rows(rows), fit, 0))))
    assert parts[0][0].selection.names != parts[1][0].selection.names
    pooled = pool(parts)
    for j, name in enumerate(pooled.names):
        column = grid.candidates.index(name)
        assert pooled.quality[:, j].mean() == pytest.approx(grid.quality[:, column].mean())
        assert pooled.cost[:, j].mean() == pytest.approx(grid.cost[:, column].mean())
    means = [r.options["routing/ridge"].predicted[:, r.names.index("large")] for _, r in parts]
    predicted = pooled.options["routing/ridge"].predicted[:, pooled.names.index("large")]
    np.testing.assert_array_equal(predicted, np.concatenate(means))


def test_pooling_one_part_changes_nothing_but_the_points(fitted: Fit, test_grid: Grid) -> None:
    realised = realise(fitted, TestRows.of(test_grid, fitted, 0))
    pooled = pool([(fitted, realised)])
    np.testing.assert_array_equal(pooled.quality, realised.quality)
    for name in realised.options:
        ours, theirs = pooled.options[name].curve, realised.options[name].curve
        levels = ours.cost.mean(axis=1)
        expected = np.interp(levels, theirs.cost.mean(axis=1), theirs.quality.mean(axis=1))
        np.testing.assert_allclose(ours.quality.mean(axis=1), expected, atol=1e-9)


def test_unknown_settings_are_refused_before_anything_is_fitted(test_grid: Grid) -> None:
    with pytest.raises(InputError, match="'magic'"):
        evaluate_task_out(test_grid, test_grid, replace(ROUTING, estimators=("magic",)), dataset="t")
