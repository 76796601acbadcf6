"""Hulls and areas against slow, obvious versions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.curves import auc, aucs, concave_hull

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=9)


def height(points: list[tuple[float, float]], at: float) -> float:
    """The best quality a mix of two points reaches at exactly this cost or less: the hull by brute force."""
    best = max((q for c, q in points if c <= at), default=-np.inf)
    for c0, q0 in points:
        for c1, q1 in points:
            if c0 <= at < c1:
                best = max(best, q0 + (q1 - q0) * (at - c0) / (c1 - c0))
    return best


@given(POINTS)
def test_the_hull_is_the_best_mix_of_two_points(points: list[tuple[int, int]]) -> None:
    cost, quality = (np.array(v, dtype=float) for v in zip(*points, strict=True))
    hull = concave_hull(cost, quality)
    x, y = cost[hull], quality[hull]
    assert x[0] == cost.min()
    assert y[-1] == quality.max()
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    assert (np.diff(np.diff(y) / np.diff(x)) < 0).all(), "no three vertices in line"
    for at in np.linspace(cost.min(), cost.max() + 1, 25):
        assert np.interp(at, x, y) == pytest.approx(height(points, at))


def numerically(cost: np.ndarray, quality: np.ndarray, low: float, high: float, left: float) -> float:
    """Midpoint rule, reading the curve between its neighbours; midpoints never fall on a step."""
    order = np.argsort(cost, kind="stable")
    x, y = cost[order], quality[order]
    at = low + (np.arange(40_000) + 0.5) * (high - low) / 40_000
    after = np.searchsorted(x, at, side="right")
    values = np.empty_like(at)
    for i, (a, j) in enumerate(zip(at, after, strict=True)):
        if j == 0:
            values[i] = left
        elif j == len(x):
            values[i] = y[-1]
        else:
            values[i] = y[j - 1] + (y[j] - y[j - 1]) * (a - x[j - 1]) / (x[j] - x[j - 1])
    return float(values.mean())


@pytest.mark.parametrize("seed", range(15))
def test_area_is_the_integral(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    cost = rng.integers(0, 8, n) / 4 if seed % 2 else rng.random(n) * 2
    quality = rng.random(n)
    for low, high in ((0.5, 1.5), (-1.0, 3.0), (0.25, 0.5), (5.0, 6.0), (-3.0, -2.0)):
        expected = numerically(cost, quality, low, high, 0.3)
        assert auc(cost, quality, low, high, 0.3) == pytest.approx(expected, abs=1e-4)


def test_a_step_at_the_end_of_the_range_has_no_width() -> None:
    cost, quality = np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.2, 0.9])
    assert auc(cost, quality, 0.0, 1.0, 0.0) == pytest.approx(0.1)
    assert auc(cost, quality, 1.0, 2.0, 0.0) == pytest.approx(0.9)


def test_outside_the_points_the_curve_is_flat() -> None:
    cost, quality = np.array([1.0, 2.0]), np.array([0.5, 0.7])
    assert auc(cost, quality, 3.0, 4.0, 0.1) == pytest.approx(0.7)
    assert auc(cost, quality, -1.0, 0.0, 0.1) == pytest.approx(0.1)
    assert auc(cost, quality, 0.0, 2.0, 0.1) == pytest.approx((0.1 + 0.6) / 2)


def test_the_order_of_points_does_not_matter_and_no_maximum_is_taken() -> None:
    cost, quality = np.array([2.0, 0.0, 1.0]), np.array([0.5, 0.1, 0.9])
    assert auc(cost, quality, 0.0, 2.0, 0.0) == pytest.approx((0.5 + 0.7) / 2)


def test_many_areas_are_each_one_s_and_none_over_an_empty_range() -> None:
    rng = np.random.default_rng(0)
    cost, quality = rng.random((4, 5)), rng.random((4, 5))
    low, high, left = np.full(4, 0.2), np.array([0.9, 0.5, 0.2, 0.1]), rng.random(4)
    found = aucs(cost, quality, low, high, left)
    expected = [auc(cost[b], quality[b], 0.2, float(high[b]), float(left[b])) for b in range(2)]
    np.testing.assert_array_equal(found[:2], expected)
    assert np.isnan(found[2:]).all()
