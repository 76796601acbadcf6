"""What a fit's settings come to."""

from __future__ import annotations

import pytest

from penstock.fitting.settings import FEW_ROWS, FitSettings


@pytest.mark.parametrize(("rows", "asked", "count"), [(100, None, 10), (FEW_ROWS, None, 5), (100, 3, 3)])
def test_small_tables_are_dealt_into_more_folds(rows: int, asked: int | None, count: int) -> None:
    assert FitSettings(folds=asked).folds_of(rows) == count
