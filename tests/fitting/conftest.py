"""Fits that several tests look at."""

from __future__ import annotations

import pytest

from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import Fit
from penstock.fitting.settings import FitSettings
from penstock.testing.tables import tiny_matrix

QUICK = FitSettings(estimators=("ridge", "knn"), directions=12)


@pytest.fixture(scope="session")
def fitted() -> Fit:
    return fit_matrix(tiny_matrix(200, seed=1), QUICK)
