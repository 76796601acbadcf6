"""Budgets above the best fixed candidate's cost: two answers can be worth more than any one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.errors import TableError
from penstock.evaluation.evaluate import evaluate_fit
from penstock.fitting.fit import fit_matrix
from penstock.fitting.forecast import expect
from penstock.fitting.result import Fit
from penstock.fitting.settings import FitSettings
from penstock.outcomes.cost_unit import LATENCY
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.targets import Target
from penstock.types import Answer, Query, Usage

SETTINGS = FitSettings(estimators=("ridge",), policies=("cascade", "index", "cascade_routing"), directions=8)
NAMES, COST = ("one", "two"), (1.0, 1.2)


def grid_of(n: int, seed: int) -> OutcomeMatrix:
    """Two independent candidates right on 55% and 65%, whose log-probabilities tell."""
    rng = np.random.default_rng(seed)
    quality = (rng.random((n, 2)) < (0.55, 0.65)).astype(float)
    level = np.clip(0.3 + 0.6 * quality + 0.05 * rng.normal(size=(n, 2)), 0.05, 0.99)
    prompts = [f"question {number} of many" for number in rng.integers(999, size=n)]
    queries = tuple(Query.from_prompt(f"{seed}-{i}", prompt) for i, prompt in enumerate(prompts))

    def answer_of(i: int, j: int) -> Answer:
        logprobs = (float(np.log(level[i, j])),) * 3
        return Answer(NAMES[j], text="so", usage=Usage(5, 3), cost_usd=COST[j], logprobs=logprobs)

    return OutcomeMatrix(queries, NAMES, quality, np.tile(COST, (n, 1)), np.ones((n, 2)), answer_of)


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit_matrix(grid_of(400, 1), SETTINGS)


def test_the_frontier_goes_on_beyond_the_best_fixed_candidate(fitted: Fit) -> None:
    frontier = fitted.option.frontier
    assert fitted.option.kept
    assert frontier.points[-1].cost > 1.2 * 1.1
    assert frontier.points[-1].quality > frontier.best_fixed.quality + 0.15
    costs = [p.cost for p in frontier.points]
    assert costs == sorted(costs)


@pytest.mark.parametrize("budget", [1.3, 1.4, 2.2, 1000.0])
def test_a_budget_above_the_dearest_candidate_buys_more(fitted: Fit, budget: float) -> None:
    expected = expect(fitted, Target.parse(f"budget={budget}"), draws=100)
    best = fitted.fixed_mixture.best_fixed
    assert expected.cost.value <= budget * (1 + 1e-9)
    assert expected.cost.value > best.cost
    assert expected.quality.value > best.quality + 0.05
    assert expected.saving.value < 0, "it costs more than the best fixed candidate, and says so"
    assert expected.mix_quality == pytest.approx(best.quality), "the mix has nothing more to buy"


def test_a_quality_above_the_best_fixed_can_be_asked_for(fitted: Fit) -> None:
    point = fitted.option.frontier.at(Target.parse("quality=1.15"))
    assert point.quality >= 1.15 * fitted.fixed_mixture.best_fixed.quality - 1e-9
    assert point.cost > fitted.fixed_mixture.best_fixed.cost


def test_evaluated_it_does_what_was_expected(fitted: Fit) -> None:
    asked = [Target.parse("budget=1.4"), Target.parse("quality=1.15")]
    document = evaluate_fit(fitted, grid_of(400, 2), dataset="two", draws=60, asked=asked)
    for entry in document["asked_achieved"]:
        assert entry["achieved"]["quality"] == pytest.approx(entry["expected"]["quality"], abs=0.08)
        assert entry["achieved"]["cost"] == pytest.approx(entry["expected"]["cost"], abs=0.1)
        assert entry["achieved"]["saving"] < 0
    points = document["policies"][fitted.chosen]["frontier"]
    assert max(p["cost"] for p in points) > document["controls"]["best_fixed"]["cost"]


def test_costs_in_another_unit_are_not_compared(fitted: Fit) -> None:
    with pytest.raises(TableError, match="fitted on usd"):
        evaluate_fit(fitted, replace(grid_of(30, 3), cost_unit=LATENCY), dataset="two")
