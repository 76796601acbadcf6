"""Outcomes from whatever a user has in hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import penstock
from penstock.api.frames import frame_of, matrix_of, table_of
from penstock.errors import InputError
from penstock.outcomes.io import write_table
from penstock.outcomes.table import OutcomeTable
from penstock.testing.tables import tiny_matrix

MATRIX = tiny_matrix(30)
ROWS = [
    {
        "prompt": query.prompt,
        "query_id": query.id,
        "model": name,
        "quality": float(MATRIX.quality[i, j]),
        "cost_usd": float(MATRIX.cost[i, j]),
        "response": MATRIX.answer_of(i, j).text,
    }
    for i, query in enumerate(MATRIX.queries)
    for j, name in enumerate(MATRIX.candidates)
]


def same(found: Any) -> None:
    order = [found.candidates.index(name) for name in MATRIX.candidates]
    rows = [[query.id for query in found.queries].index(query.id) for query in MATRIX.queries]
    np.testing.assert_allclose(found.quality[rows][:, order], MATRIX.quality)
    np.testing.assert_allclose(found.cost[rows][:, order], MATRIX.cost)
    assert found.answer_of(rows[0], order[0]).text == MATRIX.answer_of(0, 0).text


@pytest.mark.parametrize("frame", [pl.DataFrame(ROWS), pd.DataFrame(ROWS)], ids=["polars", "pandas"])
def test_a_frame_is_read_as_its_rows(frame: Any) -> None:
    same(matrix_of(frame))


def test_a_folder_and_a_file_are_read_too(tmp_path: Path) -> None:
    table = table_of(pl.DataFrame(ROWS))
    write_table(table, tmp_path / "outcomes")
    same(matrix_of(tmp_path / "outcomes"))
    pl.DataFrame(ROWS).write_csv(tmp_path / "rows.csv")
    same(matrix_of(str(tmp_path / "rows.csv")))
    assert table_of(table) is table
    assert matrix_of(MATRIX) is MATRIX


def test_columns_of_other_names_are_named() -> None:
    frame = pd.DataFrame(ROWS).rename(columns={"quality": "human_grade"})
    with pytest.raises(InputError, match="no scored answer"):
        penstock.fit(frame, savings=0.3)
    same(matrix_of(frame, columns={"quality": "human_grade"}))


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_what_is_missing_in_pandas_is_unknown(missing: object) -> None:
    frame = pd.DataFrame(ROWS).astype({"cost_usd": object})
    frame.loc[0, "cost_usd"] = missing
    found = matrix_of(frame)
    assert np.isnan(found.cost).sum() == 1


def test_what_is_no_table_is_told() -> None:
    with pytest.raises(InputError, match="not as dict"):
        matrix_of({"prompt": ["a"]})
    with pytest.raises(InputError, match="polars or pandas"):
        frame_of([], "arrow")


def test_rows_go_out_as_either_frame() -> None:
    rows = [{"a": 1, "b": None}, {"a": 2, "b": 0.5}]
    assert frame_of(rows).to_dicts() == rows
    assert frame_of(rows, "pandas")["a"].tolist() == [1, 2]


def test_tables_print_in_a_few_lines() -> None:
    for shown in (repr(MATRIX), repr(table_of(pl.DataFrame(ROWS)))):
        assert len(shown) < 300
        assert "array(" not in shown
    assert isinstance(table_of(pl.DataFrame(ROWS)), OutcomeTable)
