"""Ticks of an axis."""

from __future__ import annotations

import pytest

from penstock.report.axes import decimals_of, nice_ticks


@pytest.mark.parametrize(("low", "high"), [(0.0, 9.85), (0.61, 0.94), (0.0, 1e-5), (-3.0, 70_000.0)])
def test_ticks_are_round_inside_and_told_apart(low: float, high: float) -> None:
    ticks = nice_ticks(low, high, 7)
    assert 3 <= len(ticks) <= 15
    assert low - 1e-9 * high <= ticks[0] <= ticks[-1] <= high * (1 + 1e-9)
    told = [f"{tick:.{decimals_of(ticks)}f}" for tick in ticks]
    assert len(set(told)) == len(told)
