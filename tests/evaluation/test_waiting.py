"""How long a small model keeps callers waiting."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.evaluation.waiting import falls_by, waiting


def test_waiting_of_those_served_and_those_passed_on() -> None:
    found = waiting(np.array([10.0, 20.0, 60.0, 2.0]), np.array([False, False, True, True]))
    assert (found.agl, found.arol, found.overall) == (15.0, 31.0, 23.0)
    assert (found.resolved, found.passed_on) == (0.5, 0.5)
    assert np.isnan(waiting(np.ones(2), np.zeros(2, dtype=bool)).arol)
    assert falls_by(50.0, 10.0) == pytest.approx(0.8)
    assert np.isnan(falls_by(0.0, 1.0))
    with pytest.raises(InputError, match="latency"):
        waiting(np.array([np.nan]), np.array([True]))
