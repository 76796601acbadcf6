"""Calibration measures against what they are by definition."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.evaluation.calibration import BINS, calibration


def test_true_probabilities_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((40_000, 2))
    y = (rng.random(p.shape) < p).astype(float)
    found = calibration(p, y)
    assert found["ece"] < 0.01
    assert found["brier"] == pytest.approx(1 / 6, abs=0.005)
    assert len(found["reliability"]) == BINS
    assert sum(item["count"] for item in found["reliability"]) == p.size


def test_a_constant_offset_is_the_error() -> None:
    y = np.full((100, 1), 0.5)
    assert calibration(np.full((100, 1), 0.8), y)["ece"] == pytest.approx(0.3)
    assert calibration(np.full((100, 1), 0.8), y)["brier"] == pytest.approx(0.09)
    assert calibration(y, y)["ece"] == 0.0


def test_fewer_cells_than_bins() -> None:
    found = calibration(np.array([[0.2, 0.9]]), np.array([[0.0, 1.0]]))
    assert len(found["reliability"]) == 2
    assert found["ece"] == pytest.approx(0.15)
