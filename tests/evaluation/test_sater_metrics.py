"""SATER's figures of an evaluation: between a small and a large candidate alone, on the same queries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.evaluation.evaluate import evaluate_fit
from penstock.evaluation.replay_on import HeldOutRows, beliefs_on
from penstock.evaluation.sater_metrics import tradeoff
from penstock.evaluation.subject import Subject, of_fit
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import Fit
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.replay import replay
from penstock.router.targets import Target
from penstock.testing.tables import tiny_matrix
from penstock.types import Answer

ENDS = ("small", "large")
SECONDS = np.array([0.5, 1.0, 8.0])


def timed(grid: OutcomeMatrix) -> OutcomeMatrix:
    """The same with latencies that grow along the rows."""
    source = grid.answer_of

    def answer(i: int, j: int) -> Answer:
        return replace(source(i, j), latency_s=float(SECONDS[j] + 0.01 * i))

    return replace(grid, answer_of=answer)


@pytest.fixture(scope="module")
def cascading() -> Fit:
    settings = FitSettings(estimators=("ridge",), policies=("cascade",), directions=12)
    return fit_matrix(tiny_matrix(200, seed=1), settings)


def test_a_router_that_learned_lies_between_random_and_golden(test_matrix: OutcomeMatrix) -> None:
    settings = FitSettings(estimators=("ridge",), policies=("routing",), directions=12)
    fit = fit_matrix(tiny_matrix(200, seed=1), settings, candidates=ENDS)
    found = evaluate_fit(fit, test_matrix, dataset="t", draws=20, ends=ENDS)["tradeoff"]
    low, high = test_matrix.quality[:, [0, 2]].mean(axis=0)
    assert (found["small"], found["large"]) == ENDS
    assert found["toa_random"] == pytest.approx((low + high) / 2)
    assert found["toa_random"] + 0.05 < found["toa"] < found["toa_golden"]
    gained = found["toa"] - found["toa_random"]
    assert found["togr"] == pytest.approx(gained / (found["toa_golden"] - found["toa_random"]))
    assert found["agl"] is found["arol"] is None, "the table has no latencies"
    assert "tradeoff" not in evaluate_fit(fit, test_matrix, dataset="t", draws=20)


def waited(subject: Subject, matrix: OutcomeMatrix, target: Target) -> tuple[float, float, float]:
    """By hand: seconds where the large one is not called, seconds where it is, and how often that is."""
    rows = HeldOutRows.of(matrix, subject, 0)
    ((belief, got),) = beliefs_on(subject.option.model, rows)
    done = replay(subject.option.frontier.at(target).policy, belief, got.quality, got.cost)
    resolved, passed_on = [], []
    for i, executed in enumerate(done.executed):
        small_ones = sum(matrix.answer_of(i, j).latency_s or 0.0 for j in (0, 1) if executed[j])
        (passed_on if executed[2] else resolved).append(small_ones)
    return float(np.mean(resolved)), float(np.mean(passed_on)), len(passed_on) / len(matrix)


def test_waiting_is_what_was_waited_for_before_the_large_one(
    cascading: Fit, test_matrix: OutcomeMatrix
) -> None:
    subject, matrix, target = of_fit(cascading), timed(test_matrix), Target.parse("savings=0.4")
    rows = HeldOutRows.of(matrix, subject, 0)
    found = tradeoff(subject, rows, small="small", large="large", target=target)
    agl, arol, passed_on = waited(subject, matrix, target)
    assert 0 < passed_on < 1
    assert arol > 0.5, "a cascade has asked somebody before"
    assert found["agl"] == pytest.approx(agl)
    assert found["arol"] == pytest.approx(arol)
    assert found["passed_on"] == pytest.approx(passed_on)


def test_without_a_target_it_is_the_last_point_that_is_waited_for(
    cascading: Fit, test_matrix: OutcomeMatrix
) -> None:
    subject = of_fit(cascading)
    rows = HeldOutRows.of(timed(test_matrix), subject, 0)
    last = subject.option.frontier.points[-1]
    found = tradeoff(subject, rows, small="small", large="large")
    same = tradeoff(
        subject, rows, small="small", large="large", target=Target.parse(f"budget={last.cost * 2}")
    )
    assert {k: found[k] for k in ("agl", "arol")} == {k: same[k] for k in ("agl", "arol")}


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ({"small": "tiny", "large": "large"}, "no candidate is called 'tiny'; there are small, middle"),
        ({"small": "large", "large": "small"}, "does not cost less"),
        ({"small": "small", "large": "small"}, "does not cost less"),
    ],
)
def test_ends_that_are_none(fitted: Fit, test_matrix: OutcomeMatrix, ends: dict[str, Any], says: str) -> None:
    subject = of_fit(fitted)
    with pytest.raises(InputError, match=says):
        tradeoff(subject, HeldOutRows.of(test_matrix, subject, 0), **ends)
