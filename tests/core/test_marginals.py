"""The law of one candidate's confidence."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.marginals import fit_marginal
from penstock.types import FloatArray

from .confidences import world


def test_a_marginal_keeps_its_masses_its_mean_and_its_shape() -> None:
    values, _ = world(4000, 4)
    for column in values.T:
        marginal = fit_marginal(column)
        levels = marginal.levels()
        least = column == column.min()
        assert marginal.low_mass == (least.mean() if least.sum() > 1 else 0.0)
        assert levels.probability @ levels.value == pytest.approx(column.mean(), abs=0.01)
        for q in (0.2, 0.5, 0.8):
            at = np.searchsorted(levels.lower, np.quantile(column, q), side="right")
            assert levels.below[at - 1] - 0.04 <= q <= levels.below[at] + 0.04
    assert (values == values.max(axis=0)).mean() > 0.02, "the masses are there"


@pytest.mark.parametrize(
    "values", [np.full(5, 0.4), np.array([0.2, 0.2, 0.9, 0.9]), np.array([0.1, 0.5]), np.array([0.3])]
)
def test_marginals_of_next_to_nothing(values: FloatArray) -> None:
    levels = fit_marginal(values).levels(16)
    assert levels.probability.sum() == pytest.approx(1.0)
    assert (np.diff(levels.lower) > 0).all()
    assert np.isfinite(levels.value).all()
