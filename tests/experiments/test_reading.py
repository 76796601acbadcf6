"""The experiment on reading answers, in a configuration of a few seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.experiments import reading
from benchmarks.experiments.reading import Told
from benchmarks.experiments.result import Settings

NOISE = 0.01 * np.random.default_rng(0).normal(size=200)


def told(gained: float) -> Told:
    base = np.full(201, 0.5)
    return Told(base + 0.1, base, base - gained - np.concatenate([[0.0], NOISE]), gained > 0)


def test_every_table_with_answers_is_measured(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "AUTO", ("knn", "ridge", "ensemble"))
    monkeypatch.setattr(reading, "LEAST_ROWS", 60)
    only = ("zeroeval_gsm", "swebench_verified")
    result = reading.experiment(Settings(tables, seeds=1, only=only))
    for table in only:
        (line,) = (line for line in result.body.splitlines() if line.startswith(f"| {table} |"))
        before, signs, words = (float(cell) for cell in line.split("|")[2:5])
        assert 0.0 < before < 1.0
        assert 0.0 < signs < 1.0
        kept = line.split("|")[6].strip()
        assert kept in {"0 of 1", "1 of 1"}
        assert words == signs or kept == "1 of 1", "unread words change nothing"
    assert "`mot_cascade_date`: not asked for" in result.body
    assert "nan" not in result.body


def test_claims_are_beyond_two_standard_errors() -> None:
    better, level, worse = [told(0.03)], [told(-0.005)], [told(-0.03)]
    assert [c.holds for c in reading._claims({"a": better, "b": level})] == [True, True]
    assert [c.holds for c in reading._claims({"a": better, "b": worse})] == [False, True]
    assert [c.holds for c in reading._claims({"b": level})] == [True, False]


def test_tables_without_answers_or_rows_are_named(tables: Path) -> None:
    body = reading.experiment(Settings(tables, seeds=1, only=("zeroeval_gsm",))).body
    assert "fitting queries; 100 to 3000 are measured" in body
