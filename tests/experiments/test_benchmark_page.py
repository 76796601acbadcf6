"""The summary of ``make benchmark`` where a slow machine left estimators out."""

from __future__ import annotations

import pytest

from benchmarks.run import CLEARLY_ABOVE, LOOKS, Run, _against_simple, report


def run(**simple: tuple[float, float]) -> Run:
    return Run("table", "random", 0, over_simple=simple)


def test_only_estimators_that_every_run_tried_are_compared() -> None:
    runs = [run(knn=(0.02, 0.1), kmeans=(0.01, 0.1)), run(knn=(0.04, 0.3))]
    assert _against_simple(runs) == ("knn", pytest.approx(0.03), pytest.approx(0.2))


def test_without_a_common_one_nothing_is_compared() -> None:
    assert _against_simple([run(knn=(0.0, 0.1)), run(ridge=(0.0, 0.1))]) is None
    assert _against_simple([run()]) is None


def test_a_table_that_was_not_evaluated_has_shown_nothing() -> None:
    good = {
        "over_mix": 0.05,
        "error": 0.001,
        "saving": 0.5,
        "kept": 1.0,
        "mix_saving": 0.1,
        "gain_ratio": 0.5,
    }
    simple = {"over_simple": {"knn": (0.01, 0.001)}, "over_routing": (0.02, 0.001)}
    tables = (*CLEARLY_ABOVE, *LOOKS)
    runs = [Run(t, "random", 0, chosen="lookahead/knn", fitted=600, **good, **simple) for t in tables]
    assert report(runs, 1, 60.0)[1]
    for left_out in tables:
        text, holds = report([r for r in runs if r.table != left_out], 1, 60.0)
        assert not holds
        assert f"{left_out} (not evaluated)" in text
