"""One fit and one test grid that several tests look at."""

from __future__ import annotations

import pytest

from penstock.fitting.fit import fit_grid
from penstock.fitting.result import Fit
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import Grid
from penstock.testing.tables import tiny_grid

QUICK = FitSettings(estimators=("ridge",), directions=12)


@pytest.fixture(scope="session")
def fitted() -> Fit:
    return fit_grid(tiny_grid(200, seed=1), QUICK)


@pytest.fixture(scope="session")
def test_grid() -> Grid:
    return tiny_grid(150, seed=2)
