"""What a fit's settings come to."""

from __future__ import annotations

import pytest

from penstock.errors import InputError
from penstock.fitting.settings import FEW_ROWS, FitSettings


@pytest.mark.parametrize(("rows", "asked", "count"), [(100, None, 10), (FEW_ROWS, None, 5), (100, 3, 3)])
def test_small_tables_are_dealt_into_more_folds(rows: int, asked: int | None, count: int) -> None:
    assert FitSettings(folds=asked).folds_of(rows) == count


def test_whole_tasks_are_left_out_in_as_many_folds_as_ever() -> None:
    """More folds would leave fewer tasks out at a time, and be less like traffic of unseen ones."""
    assert FitSettings(fold_by="task").folds_of(100) == 5


def test_few_tasks_are_asked_for_less_confidence() -> None:
    assert FitSettings().guarded_at == 0.95
    assert FitSettings(fold_by="task").guarded_at == 0.8
    assert FitSettings(fold_by="task", guard_level=0.9).guarded_at == 0.9
    with pytest.raises(InputError, match=r"at least 0\.5 and below 1"):
        FitSettings(guard_level=0.3)
