"""The summary of ``make benchmark`` where a slow machine left estimators out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.over_splits import over_splits
from benchmarks.runs import Run
from benchmarks.summary import CLEARLY_ABOVE, LOOKS, _against_simple, report


def run(**simple: tuple[float, float]) -> Run:
    return Run("table", "random", 0, over_simple=simple)


GOOD = {"over_mix": 0.05, "error": 0.001, "saving": 0.5, "kept": 1.0, "mix_saving": 0.1, "gain_ratio": 0.5}
ASKED_OF = (*CLEARLY_ABOVE, *LOOKS)


def all_good() -> list[Run]:
    """One run of every table that a claim is about, all of which hold."""
    simple = {
        "over_simple": {"knn": (0.01, 0.001)},
        "looking": (0.02, 0.001),
        "chosen_looking": (0.02, 0.001),
    }
    return [Run(t, "random", 0, chosen="lookahead/knn", fitted=600, **GOOD, **simple) for t in ASKED_OF]


def test_only_estimators_that_every_run_tried_are_compared() -> None:
    runs = [run(knn=(0.02, 0.1), kmeans=(0.01, 0.1)), run(knn=(0.04, 0.3))]
    found = _against_simple(runs)
    assert found is not None
    assert (found[0], found[1].mean, found[1].error) == ("knn", pytest.approx(0.03), pytest.approx(0.2))


def test_without_a_common_one_nothing_is_compared() -> None:
    assert _against_simple([run(knn=(0.0, 0.1)), run(ridge=(0.0, 0.1))]) is None
    assert _against_simple([run()]) is None


def test_a_table_that_was_not_evaluated_has_shown_nothing() -> None:
    runs = all_good()
    assert report(runs, 1, 60.0)[1]
    for left_out in ASKED_OF:
        text, holds = report([r for r in runs if r.table != left_out], 1, 60.0)
        assert not holds
        assert f"{left_out} (not evaluated)" in text


def test_task_out_is_held_against_the_simple_routers_too() -> None:
    runs = all_good()
    poor = Run("t", "task-out", 0, chosen="mix/mean", fitted=600, **GOOD, over_simple={"knn": (-0.01, 0.001)})
    text, holds = report([*runs, poor], 1, 60.0)
    assert not holds
    assert "not on t (task-out)" in text
    assert report([*runs, replace(poor, over_simple={"knn": (-0.001, 0.001)})], 1, 60.0)[1]
    assert report([*runs, replace(poor, fitted=100)], 1, 60.0)[1], "of small tables it is not asked"


def test_the_error_over_splits_is_the_corrected_one() -> None:
    values = np.random.default_rng(0).normal(1.0, 2.0, 20)
    found = over_splits([(v, 9.0) for v in values])
    assert found.mean == pytest.approx(values.mean())
    assert found.error == pytest.approx(np.sqrt((1 / 20 + 3 / 7) * values.var(ddof=1)))
    assert found.margin(0.05) == pytest.approx(1.729 * found.error, rel=1e-3)
    few = over_splits([(0.1, 0.2), (0.3, 0.4)])
    assert (few.mean, few.error, few.splits) == (pytest.approx(0.2), pytest.approx(0.3), 2)
    assert few.margin(0.05) == pytest.approx(1.645 * 0.3, rel=1e-3)


def test_splits_of_one_sample_rarely_claim_too_much() -> None:
    """Means over random splits of a null sample: a naive error would be clearly above zero far too often."""
    rng, claims, naive = np.random.default_rng(1), 0, 0
    for _ in range(300):
        sample = rng.normal(size=120)
        means = [float(rng.permutation(sample)[:36].mean()) for _ in range(20)]
        found = over_splits([(m, 1.0) for m in means])
        claims += found.above(0.05)
        naive += np.mean(means) > 1.729 * np.std(means, ddof=1) / np.sqrt(20)
    assert claims / 300 < 0.08
    assert naive / 300 > 0.2


def test_no_spread_shows_nothing() -> None:
    none = over_splits([(0.0, 0.0)] * 8)
    assert not none.above(0.05)
    assert not none.below(0.05)


def test_routers_without_a_guard_are_shown_and_asked_of_nobody() -> None:
    runs = [replace(r, over_plain={"knn": (-0.03, 0.001), "ridge": (0.02, 0.001)}) for r in all_good()]
    text, holds = report(runs, 1, 60.0)
    assert holds
    assert text.count("| -3.00 ± 0.10 (knn) |") == len(runs)


def test_pooled_means_come_with_intervals() -> None:
    """Tables count alike, and their errors are independent."""
    runs = [replace(r, saving_error=0.04, kept_error=0.01) for r in all_good()]
    text, _ = report(runs, 1, 60.0)
    half = 1.96 * 0.04 / np.sqrt(len(runs))
    assert f"saving 50.0% [{0.5 - half:.1%}, {0.5 + half:.1%}]" in text
    half = 1.96 * 0.01 / np.sqrt(len(runs))
    assert f"quality kept 100.0% [{1 - half:.1%}, {1 + half:.1%}]" in text
