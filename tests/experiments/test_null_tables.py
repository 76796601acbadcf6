"""The check that tables without a signal stay with the mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import null_tables
from benchmarks.null_tables import shuffled
from penstock.testing.tables import tiny_matrix


def test_cells_are_dealt_to_other_queries_whole() -> None:
    grid = tiny_matrix(80, seed=1)
    found = shuffled(grid, 0)
    for j in range(len(grid.candidates)):
        before = sorted(zip(grid.quality[:, j], grid.cost[:, j], strict=True))
        assert sorted(zip(found.quality[:, j], found.cost[:, j], strict=True)) == before
        assert not np.array_equal(found.cost[:, j], grid.cost[:, j])
    assert found.queries == grid.queries
    assert found.answer_of is grid.answer_of
    np.testing.assert_array_equal(shuffled(grid, 0).quality, found.quality)


def test_the_command_says_how_many_left(
    tables: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--tables", str(tables), "--only", "zeroeval_gsm", "--count", "1"]
    monkeypatch.setattr("sys.argv", ["null_tables.py", *flags])
    assert null_tables.main() == 0, "one of one is within chance"
    assert "of 1 fits left the mix; up to 1 may by chance" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["null_tables.py", "--tables", str(tables), "--only", "nothing"])
    with pytest.raises(SystemExit):
        null_tables.main()
