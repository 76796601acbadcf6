"""Reading and writing tables; every malformed file is one error that names file, row and column."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import TableError
from penstock.outcomes.io import read_table, write_table

from .tables import frame, outcome, queries, table, write_raw

MODELS = pl.DataFrame({"model": ["m", "n"], "input_usd_per_mtok": [1.0, None]})


def rows(**second: Any) -> pl.DataFrame:
    """Two good rows, the second one changed."""
    return frame(outcome("a", "m"), {**outcome("b", "n"), **second})


MALFORMED_OUTCOMES = {
    "missing column": (rows().drop("quality"), None, "quality", "missing"),
    "text for numbers": (rows().with_columns(quality=pl.lit("good")), None, "quality", "String"),
    "fractional tokens": (
        rows().with_columns(input_tokens=pl.lit(1.5)),
        None,
        "input_tokens",
        "whole numbers",
    ),
    "quality above 1": (rows(quality=1.2), 2, "quality", "outside [0, 1]"),
    "quality below 0": (rows(quality=-0.1), 2, "quality", "outside [0, 1]"),
    "null quality": (rows(quality=None), 2, "quality", "no quality"),
    "NaN quality": (rows(quality=math.nan), 2, "quality", "not a finite number"),
    "NaN cost": (rows(cost_usd=math.nan), 2, "cost_usd", "not a finite number"),
    "infinite latency": (rows(latency_s=math.inf), 2, "latency_s", "not a finite number"),
    "negative cost": (rows(cost_usd=-1.0), 2, "cost_usd", "outside [0, inf)"),
    "negative tokens": (rows(output_tokens=-1), 2, "output_tokens", "outside [0, inf)"),
    "duplicate": (frame(outcome("a", "m"), outcome("b", "m"), outcome("a", "m")), 3, "query_id", "a, m, 0"),
    "unknown query": (rows(query_id="z"), 2, "query_id", "'z'"),
    "unknown model": (rows(model="z"), 2, "model", "'z'"),
    "null model": (rows(model=None), 2, "model", "null"),
    "propensity 0": (rows(propensity=0.0), 2, "propensity", "outside (0, 1]"),
    "propensity above 1": (rows(propensity=1.5), 2, "propensity", "outside (0, 1]"),
    "unknown status": (rows(status="great"), 2, "status", "'great'"),
    "quality of a refusal": (rows(status="refused"), 2, "quality", "not answered"),
    "NaN log-probability": (rows(logprobs=[0.0, math.nan]), 2, "logprobs", "NaN"),
    "too large": (
        rows().with_columns(input_tokens=pl.lit(2**64 - 1, dtype=pl.UInt64)),
        None,
        "input_tokens",
        "fit",
    ),
    "no rows": (rows().clear(), None, None, "no rows"),
}


@pytest.mark.parametrize("case", MALFORMED_OUTCOMES)
def test_malformed_outcomes_name_file_row_and_column(case: str, tmp_path: Path) -> None:
    outcomes, row, column, told = MALFORMED_OUTCOMES[case]
    write_raw(tmp_path, queries("a", "b"), outcomes, MODELS)
    with pytest.raises(TableError) as caught:
        read_table(tmp_path)
    error = caught.value
    assert (str(error.file), error.row, error.field) == (str(tmp_path / "outcomes.parquet"), row, column)
    assert told in error.message
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("frame_of_queries", "row", "column"),
    [
        (queries("a", "b", "a"), 3, "query_id"),
        (queries("a", "b").drop("prompt"), None, "prompt"),
        (queries("a", "b", task=[1, 2]), None, "task"),
        (queries("a", "b", messages=[None, "[1]"]), 2, "messages"),
        (queries("a", "b", messages=["not json", None]), 1, "messages"),
    ],
)
def test_malformed_queries(
    frame_of_queries: pl.DataFrame, row: int | None, column: str, tmp_path: Path
) -> None:
    write_raw(tmp_path, frame_of_queries, rows())
    with pytest.raises(TableError) as caught:
        read_table(tmp_path)
    assert (str(caught.value.file), caught.value.row) == (str(tmp_path / "queries.parquet"), row)
    assert caught.value.field == column


@pytest.mark.parametrize(
    "models", [pl.DataFrame({"model": ["m", "m", "n"]}), pl.DataFrame({"name": ["m", "n"]})]
)
def test_malformed_models(models: pl.DataFrame, tmp_path: Path) -> None:
    write_raw(tmp_path, queries("a", "b"), rows(), models)
    with pytest.raises(TableError, match=r"models\.parquet.*model"):
        read_table(tmp_path)


@pytest.mark.parametrize("name", ["queries", "outcomes", "models"])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"half"])
def test_empty_and_truncated_files(name: str, content: bytes, tmp_path: Path) -> None:
    write_raw(tmp_path, queries("a", "b"), rows(), MODELS)
    file = tmp_path / f"{name}.parquet"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if content == b"half" else content)
    with pytest.raises(
        TableError, match=rf"{name}\.parquet: (the file is empty|not a readable Parquet file)"
    ):
        read_table(tmp_path)


def test_missing_file_and_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="does not exist"):
        read_table(tmp_path / "nothing")
    write_raw(tmp_path, queries("a", "b"), rows())
    (tmp_path / "queries.parquet").unlink()
    with pytest.raises(TableError, match=r"queries\.parquet: the file is missing"):
        read_table(tmp_path)
    with pytest.raises(TableError, match="is a file"):
        read_table(tmp_path / "outcomes.parquet")


def test_null_quality_needs_a_status_or_permission(tmp_path: Path) -> None:
    for status in ("refused", "failed", "missing"):
        write_raw(tmp_path, queries("a", "b"), rows(quality=None, status=status))
        assert read_table(tmp_path).unscored == 0
    write_raw(tmp_path, queries("a", "b"), rows(quality=None, status="answered"))
    with pytest.raises(TableError, match="penstock score"):
        read_table(tmp_path)
    assert read_table(tmp_path, allow_unscored=True).unscored == 1


def test_other_columns_and_wider_types_are_kept(tmp_path: Path) -> None:
    outcomes = rows().with_columns(api_calls=pl.lit(3), quality=pl.col("quality").cast(pl.Float32))
    outcomes = outcomes.with_columns(model=pl.col("model").cast(pl.Categorical))
    read = read_table(write_raw(tmp_path, queries("a", "b"), outcomes))
    assert read.outcomes["api_calls"].to_list() == [3, 3]
    assert read.outcomes["quality"].dtype == pl.Float64


def test_a_failed_write_keeps_what_stood_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = table(outcome("a", "m"))
    write_table(before, tmp_path / "t")
    (tmp_path / "t" / "journal.jsonl").write_text("mine\n")

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("penstock.outcomes.io.os.fsync", full)
        with pytest.raises(TableError, match=r"cannot be written \(no space left\)"):
            write_table(table(outcome("z", "m")), tmp_path / "t")
    assert read_table(tmp_path / "t").equals(before)
    write_table(table(outcome("z", "m")), tmp_path / "t")
    assert read_table(tmp_path / "t").queries["query_id"].to_list() == ["z"]
    assert sorted(f.name for f in (tmp_path / "t").iterdir()) == [
        "journal.jsonl",
        "outcomes.parquet",
        "queries.parquet",
    ]
    assert [f.name for f in tmp_path.iterdir()] == ["t"]


text = st.text(st.characters(codec="utf-8"), max_size=12)
number = st.none() | st.floats(0, 1e6)
a_row = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["answered", None]),
        "quality": st.floats(0, 1),
        "cost_usd": number,
        "latency_s": number,
        "response": st.none() | text,
        "answer": st.none() | text,
        "input_tokens": st.none() | st.integers(0, 2**40),
        "logprobs": st.none() | st.lists(st.floats(-100, 0, width=32), max_size=4),
        "propensity": st.floats(0.001, 1),
    }
)


@given(st.lists(a_row, min_size=1, max_size=6))
@settings(max_examples=25)
def test_written_and_read_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("round") / "t"
    models = pl.DataFrame({"model": ["m"], "input_usd_per_mtok": [0.1], "note": ["kept"]})
    types = {"logprobs": pl.List(pl.Float32), "status": pl.String, "answer": pl.String, "response": pl.String}
    made = pl.DataFrame(
        [outcome("a", "m", **{**row, "sample_index": i}) for i, row in enumerate(drawn)],
        infer_schema_length=None,
        schema_overrides=types,
    )
    write_raw(folder, queries("a"), made, models)
    once = read_table(folder)
    write_table(once, folder.parent / "again")
    assert read_table(folder.parent / "again").equals(once)
