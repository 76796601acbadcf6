"""The summary of ``make benchmark`` where a slow machine left estimators out."""

from __future__ import annotations

import pytest

from benchmarks.run import Run, _against_simple


def run(**simple: tuple[float, float]) -> Run:
    return Run("table", "random", 0, over_simple=simple)


def test_only_estimators_that_every_run_tried_are_compared() -> None:
    runs = [run(knn=(0.02, 0.1), kmeans=(0.01, 0.1)), run(knn=(0.04, 0.3))]
    assert _against_simple(runs) == ("knn", pytest.approx(0.03), pytest.approx(0.2))


def test_without_a_common_one_nothing_is_compared() -> None:
    assert _against_simple([run(knn=(0.0, 0.1)), run(ridge=(0.0, 0.1))]) is None
    assert _against_simple([run()]) is None
