"""Shrinkage finds the slopes that were planted."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.estimators.shrinkage import Shrinkage, fit_shrinkage

N, K = 4_000, 4
MEANS = np.array([0.3, 0.5, 0.6, 0.7])


def planted(common: float, contrast: float) -> tuple[np.ndarray, np.ndarray]:
    """Raw predictions, and outcomes that follow them by these slopes."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 0.1, (N, 1))
    own = rng.normal(0, 0.1, (N, K))
    own -= own.mean(axis=1, keepdims=True)
    target = MEANS + common * shared + contrast * own + rng.normal(0, 0.2, (N, K))
    return MEANS + shared + own, target


@pytest.mark.parametrize(("common", "contrast"), [(1.0, 0.3), (0.2, 0.9), (0.0, 0.6), (0.7, 0.0)])
def test_planted_slopes_are_found(common: float, contrast: float) -> None:
    raw, target = planted(common, contrast)
    found = fit_shrinkage(raw, target, np.ones((N, K)), MEANS)
    assert found.common == pytest.approx(common, abs=0.06)
    assert found.contrast == pytest.approx(contrast, abs=0.06)


def test_estimates_are_never_amplified_nor_turned_round() -> None:
    raw, target = planted(2.5, -1.0)
    found = fit_shrinkage(raw, target, np.ones((N, K)), MEANS)
    assert (found.common, found.contrast) == (1.0, 0.0)


def test_missing_cells_do_not_count() -> None:
    raw, target = planted(0.8, 0.4)
    weight = (np.random.default_rng(1).random((N, K)) < 0.7).astype(float)
    clean = fit_shrinkage(raw, np.where(weight > 0, target, np.nan), weight, MEANS)
    dirty = fit_shrinkage(raw, np.where(weight > 0, target, 1e6), weight, MEANS)
    assert clean == Shrinkage(MEANS, dirty.common, dirty.contrast)
    assert clean.contrast == pytest.approx(0.4, abs=0.08)


def test_predictions_that_say_nothing_are_the_means() -> None:
    target = np.random.default_rng(0).random((50, K))
    found = fit_shrinkage(np.tile(MEANS, (50, 1)), target, np.ones((50, K)), MEANS)
    np.testing.assert_allclose(found.apply(np.tile(MEANS, (3, 1))), np.tile(MEANS, (3, 1)))


def test_full_slopes_change_nothing_and_none_leaves_the_means() -> None:
    raw = np.random.default_rng(0).random((5, K))
    np.testing.assert_allclose(Shrinkage(MEANS, 1.0, 1.0).apply(raw), raw)
    np.testing.assert_allclose(Shrinkage(MEANS, 0.0, 0.0).apply(raw), np.tile(MEANS, (5, 1)))


def test_one_candidate_has_no_contrast() -> None:
    raw = np.random.default_rng(0).random((200, 1))
    found = fit_shrinkage(raw, raw, np.ones((200, 1)), raw.mean(axis=0))
    assert (found.common, found.contrast) == (pytest.approx(1.0), 0.0)
