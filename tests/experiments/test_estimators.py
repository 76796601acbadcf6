"""The experiment on estimators, in a configuration of a few seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.experiments import estimators
from benchmarks.experiments.result import Settings
from benchmarks.experiments.routed import Measured


def test_every_estimator_is_measured(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "SIMPLE", ("knn", "ridge"))
    monkeypatch.setattr(estimators, "OTHERS", ("kernel", "stack", "ensemble"))
    monkeypatch.setattr(estimators, "LEAST_ROWS", 60)
    result = estimators.experiment(Settings(tables, seeds=1))
    assert len(result.claims) == 2
    assert result.body.count("\n| stack |") == 4, "areas, differences, what is explained, seconds"
    assert result.body.count("\n| ensemble |") == 4
    assert result.body.count("\n| ridge |") == 3
    assert "nan" not in result.body


def measured(over: float, tuned: float) -> Measured:
    noise = np.random.default_rng(0).normal(size=200) * 0.01
    return Measured(np.concatenate([[over], over + noise]), tuned, 0.0, 0.0)


def test_claims_are_against_the_best_in_hindsight_and_the_one_picked() -> None:
    # the best on the table is a little above, and would not have been picked
    simple = {name: [measured(0.01, 0.5)] for name in estimators.SIMPLE}
    rng = np.random.default_rng(1)
    close = np.concatenate([[0.049], 0.049 + rng.normal(size=200) * 0.01])
    stack = replace(measured(0.0, 0.0), over=close)
    near, better = estimators._claims({"a": {**simple, "knn": [measured(0.05, 0.4)], "ensemble": [stack]}})
    assert near.holds
    assert better.holds


def test_a_clear_loss_is_a_claim_missed() -> None:
    simple = {name: [measured(0.05, 0.5)] for name in estimators.SIMPLE}
    rng = np.random.default_rng(1)
    worse = replace(measured(0.0, 0.0), over=np.concatenate([[0.0], rng.normal(size=200) * 0.001]))
    near, better = estimators._claims({"a": {**simple, "ensemble": [worse]}})
    assert not near.holds
    assert "below on a" in near.text
    assert not better.holds
