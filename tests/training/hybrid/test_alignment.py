"""Whether two metrics agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penstock.errors import InputError
from penstock.training.hybrid.alignment import align, pearson, spearman


@given(st.integers(0, 10_000), st.booleans())
def test_correlations_are_those_of_scipy(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    first = rng.normal(size=30)
    second = first + rng.normal(size=30)
    if ties:
        first, second = np.round(first), np.round(second)
    assert pearson(first, second) == pytest.approx(stats.pearsonr(first, second).statistic)
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


def test_gaps_that_agree_are_a_go_and_those_that_do_not_are_none() -> None:
    rng = np.random.default_rng(0)
    gap = rng.normal(size=500)
    near = align(gap, gap + 0.3 * rng.normal(size=500))
    assert near.go
    assert near.certain
    far = align(gap, rng.normal(size=500))
    assert not far.go
    assert far.certain
    few = align(gap[:8], gap[:8] + 1.0 * rng.normal(size=8), least=0.5)
    assert not few.certain


def test_a_constant_gap_aligns_with_nothing() -> None:
    found = align(np.full(10, 0.1), np.arange(10.0))
    assert (found.pearson, found.spearman, found.go) == (0.0, 0.0, False)


def test_too_few_or_missing_gaps_are_refused() -> None:
    with pytest.raises(InputError, match="at least 4"):
        align(np.ones(3), np.ones(3))
    with pytest.raises(InputError, match="missing"):
        align(np.array([1.0, np.nan, 2.0, 3.0]), np.arange(4.0))
