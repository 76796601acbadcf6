"""Every ex-ante estimator against the contract."""

from __future__ import annotations

import pytest

from penstock.estimators.base import Estimator
from penstock.estimators.ex_ante.named import estimator
from penstock.registry import names
from penstock.testing.estimators import EstimatorContract

NAMES = (*names("estimator"), "ridge+isotonic", "knn+platt")


@pytest.mark.parametrize("estimator", [pytest.param(name, id=name) for name in NAMES], indirect=True)
class TestEveryEstimator(EstimatorContract):
    @pytest.fixture
    def estimator(self, request: pytest.FixtureRequest) -> Estimator:
        return estimator(request.param)
