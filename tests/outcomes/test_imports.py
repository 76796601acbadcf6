"""Other people's files: the same table whatever the format, and errors that name the row."""

from __future__ import annotations

import csv
import json
import math
import os
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import TableError
from penstock.outcomes.imports import import_queries, import_table
from penstock.outcomes.io import read_table
from penstock.outcomes.sources.pandas_pickle import read_pandas_pickle
from penstock.outcomes.to_matrix import to_matrix

from .tables import queries, write_raw

ASSETS = Path(__file__).parent / "assets"
words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=12)
long_row = st.fixed_dictionaries(
    {
        "quality": st.floats(0, 1),
        "cost_usd": st.none() | st.floats(0, 10),
        "input_tokens": st.none() | st.integers(0, 10**6),
        "response": st.none() | words,
        "latency_s": st.none() | st.floats(0, 100),
    }
)


def write_csv(file: Path, rows: list[dict[str, Any]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return file


def write_jsonl(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


GOOD = [
    {"query_id": "a", "prompt": "p", "model": "m", "quality": 1},
    {"query_id": "b", "prompt": "q", "model": "m", "quality": 0.5},
]


@given(st.lists(long_row, min_size=1, max_size=8))
@settings(max_examples=25)
def test_csv_and_jsonl_equal_parquet(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("import")
    rows = [
        {"query_id": f"q{i // 2}", "model": f"m{i % 2}", "prompt": f"p {i // 2}", **d}
        for i, d in enumerate(drawn)
    ]
    types = {"response": pl.String, "cost_usd": pl.Float64, "input_tokens": pl.Int64, "latency_s": pl.Float64}
    pl.DataFrame(rows, schema_overrides=types, infer_schema_length=None).write_parquet(folder / "t.parquet")
    wanted = import_table(folder / "t.parquet")
    assert import_table(write_csv(folder / "t.csv", rows)).equals(wanted)
    assert import_table(write_jsonl(folder / "t.jsonl", rows)).equals(wanted)
    filled = [("sample_index", 0), ("split", None), ("task", None), ("reference", None)]
    filled += [("output_tokens", None), ("answer", None)]
    complete = [{**row, **dict(filled)} for row in rows]
    ids = list(dict.fromkeys(row["query_id"] for row in rows))
    asked = queries(
        *ids, prompt=[f"p {i[1:]}" for i in ids], task=[None] * len(ids), reference=[None] * len(ids)
    )
    outcomes = pl.DataFrame(complete, schema_overrides=types, infer_schema_length=None).drop(
        "prompt", "split", "task", "reference"
    )
    assert read_table(write_raw(folder / "t", asked, outcomes)).equals(wanted)


def test_the_names_people_use(tmp_path: Path) -> None:
    row = {
        "task_name": "math",
        "query": "2+2",
        "ground_truth": "4",
        "model_name": "m",
        "performance": True,
        "prompt_tokens": 3,
        "completion_tokens": "7",
        "response_time": 0.5,
        "metric": "em",
    }
    made = import_table(write_jsonl(tmp_path / "x.jsonl", [row]))
    query, got = made.queries.row(0, named=True), made.outcomes.row(0, named=True)
    assert (query["task"], query["prompt"], query["reference"]) == ("math", "2+2", "4")
    assert (got["model"], got["quality"], got["input_tokens"], got["output_tokens"]) == ("m", 1.0, 3, 7)
    assert (got["latency_s"], got["metric"]) == (0.5, "em")
    assert query["query_id"].startswith("q-")


def test_mapping_goes_first(tmp_path: Path) -> None:
    rows = [{"q": "p", "prompt": "not this", "model": "m", "grade": "0.5", "score": 1}]
    made = import_table(write_csv(tmp_path / "x.csv", rows), mapping={"prompt": "q", "quality": "grade"})
    assert made.queries["prompt"].to_list() == ["p"]
    assert made.outcomes["quality"].to_list() == [0.5]
    for mapping, told in (
        ({"quality": "nope"}, "no column 'nope'"),
        ({"grade": "grade"}, "no column is called"),
    ):
        with pytest.raises(TableError, match=told):
            import_table(tmp_path / "x.csv", mapping=mapping)


def test_a_table_without_qualities_is_unscored(tmp_path: Path) -> None:
    made = import_table(write_jsonl(tmp_path / "x.jsonl", [{"prompt": "p", "model": "m", "response": "4"}]))
    assert made.unscored == 1


@pytest.mark.parametrize(
    ("change", "row", "column", "told"),
    [
        ({"quality": "good"}, 2, "quality", "not a number"),
        ({"quality": 2}, 2, "quality", "outside [0, 1]"),
        ({"quality": math.nan}, 2, "quality", "not a finite number"),
        ({"quality": None}, 2, "quality", "no quality"),
        ({"input_tokens": 1.5}, 2, "input_tokens", "not a whole number"),
        ({"query_id": "a", "prompt": "p"}, 2, "query_id", "stands twice"),
        ({"query_id": "a"}, 2, "prompt", "another value"),
        ({"query_id": None}, 2, "query_id", "empty"),
        ({"logprobs": "x"}, 2, "logprobs", "JSON list of numbers"),
        ({"logprobs": ["x"]}, 2, "logprobs", "list of numbers"),
        ({"cost": -1}, 2, "cost_usd", "outside"),
    ],
)
def test_wrong_values_name_the_row(
    change: dict[str, Any], row: int, column: str, told: str, tmp_path: Path
) -> None:
    file = write_jsonl(tmp_path / "x.jsonl", [GOOD[0], {**GOOD[1], **change}])
    with pytest.raises(TableError) as caught:
        import_table(file)
    assert (caught.value.file, caught.value.row, caught.value.field) == (file, row, column)
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", b"", r"empty \(0 bytes\)"),
        ("x.csv", b"prompt,model,quality\n", "no rows"),
        ("x.csv", b"prompt,model,quality\np,m\n", "row 1.*has 2 fields, the header 3"),
        ("x.csv", b"prompt,prompt\np,m\n", "'prompt' stands twice"),
        ("x.csv", b'prompt,model\n"p,m\n', "not CSV"),
        ("x.csv", b"prompt,quality\np,1\n", "no column says which model"),
        ("x.csv", b"model,quality\nm,1\n", "no column says what was asked"),
        ("x.csv", b"prompt,model\n,m\n", "row 1.*needs a prompt"),
        ("x.csv", b"prompt,model\n\xff\xfe,m\n", "not UTF-8"),
        ("x.jsonl", b'{"prompt": 1\n', "row 1: not JSON"),
        ("x.jsonl", b"\n[1]\n", "row 2: a JSON object is wanted"),
        ("x.parquet", b"PAR1", "not a readable Parquet"),
        ("x.xlsx", b"x", "cannot tell the format"),
    ],
)
def test_malformed_files(name: str, content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=told) as caught:
        import_table(tmp_path / name)
    assert name in str(caught.value)


def test_questions_alone(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes?"}]
    file = write_jsonl(
        tmp_path / "q.jsonl", [{"question": "p", "gold": 4}, {"id": 7, "question": "q", "messages": talk}]
    )
    with pytest.raises(TableError, match=r"row 1.*empty"):
        import_queries(file)
    write_jsonl(file, [{"id": 6, "question": "p", "gold": 4}, {"id": 7, "question": "q", "messages": talk}])
    frame = import_queries(file)
    assert frame["query_id"].to_list() == ["6", "7"]
    assert frame["reference"].to_list() == ["4", None]
    assert json.loads(frame["messages"][1]) == talk
    write_jsonl(file, [{"question": "p"}, {"question": "p"}])
    with pytest.raises(TableError, match="2 rows hold only 1"):
        import_queries(file)


# RouterBench's wide table


def wide() -> dict[str, list[Any]]:
    return read_pandas_pickle(ASSETS / "routerbench_pandas_2.2.pkl")


@pytest.mark.parametrize("version", ["1.5", "2.2"])
def test_published_pickles_are_read(version: str) -> None:
    made = import_table(ASSETS / f"routerbench_pandas_{version}.pkl")
    grid = to_matrix(made)
    assert grid.candidates == ("m/one", "two")
    np.testing.assert_array_equal(grid.quality, [[1.0, 1.0], [0.5, np.nan], [0.0, 0.0]])
    np.testing.assert_array_equal(grid.cost, [[1e-4, 1e-5], [2e-4, np.nan], [3e-4, 3e-5]])
    assert [q.prompt for q in grid.queries] == ["q1", "q2", "q3"]
    assert [q.task for q in grid.queries] == ["a", "a", "b"]
    assert grid.answer_of(0, 0).text == "A"


def test_wide_formats_agree(tmp_path: Path) -> None:
    columns = wide()
    pl.DataFrame(columns).write_parquet(tmp_path / "w.parquet")
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    wanted = import_table(ASSETS / "routerbench_pandas_2.2.pkl")
    assert import_table(tmp_path / "w.parquet").equals(wanted)
    assert import_table(write_csv(tmp_path / "w.csv", rows)).equals(wanted)


@pytest.mark.parametrize(
    ("column", "values", "row"),
    [("two", [1.0, 2.0, 0.0], 2), ("sample_id", ["a", "b", "a"], 3), ("two", None, None)],
)
def test_malformed_wide_tables(
    column: str, values: list[Any] | None, row: int | None, tmp_path: Path
) -> None:
    columns = wide()
    if values is None:
        del columns[column]
    else:
        columns[column] = values
    pl.DataFrame(columns).write_parquet(tmp_path / "w.parquet")
    with pytest.raises(TableError) as caught:
        import_table(tmp_path / "w.parquet")
    assert (caught.value.row, caught.value.field) == (row, column)


class Runs:
    """Unpickled the usual way, this makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_malicious_pickle_runs_nothing(tmp_path: Path) -> None:
    target, file = tmp_path / "made", tmp_path / "evil.pkl"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        file.write_bytes(pickle.dumps(Runs(target), protocol))
        with pytest.raises(TableError, match=r"read safely \(it names posix\.mkdir.*to_parquet"):
            import_table(file)
        assert not target.exists()
    with file.open("rb") as trusting:
        pickle.Unpickler(trusting).load()  # so the test would notice
    assert target.exists()


@pytest.mark.parametrize(
    "payload",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tS'b'\ntR(S'x'\ntb.",
        pickle.dumps([1, 2]),
        pickle.dumps({"_mgr": 1}),
        b"\x80\x05garbage",
        b"\x80",
    ],
)
def test_other_pickles_are_refused(payload: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(payload)
    with pytest.raises(TableError, match="pickled table"):
        import_table(tmp_path / "x.pkl")


@pytest.mark.parametrize(
    "payload",
    [
        b"\x80\x05\x96" + (1 << 31).to_bytes(8, "little") + b"x.",  # a byte array of 2 GiB
        b"\x80\x05\x8e" + (1 << 31).to_bytes(8, "little") + b"x.",  # bytes
        b"\x80\x05\x8d" + (1 << 31).to_bytes(8, "little") + b"x.",  # a text
        b"\x80\x05Nr" + (1 << 30).to_bytes(4, "little") + b".",  # kept under a large number
    ],
)
def test_forged_lengths_take_no_memory(payload: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(payload)
    tracemalloc.start()
    with pytest.raises(TableError, match="pickled table"):
        import_table(tmp_path / "x.pkl")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_damaged_pickles_are_refused(tmp_path: Path) -> None:
    whole = (ASSETS / "routerbench_pandas_2.2.pkl").read_bytes()
    for length in range(1, len(whole), 37):
        (tmp_path / "x.pkl").write_bytes(whole[:length])
        with pytest.raises(TableError):
            import_table(tmp_path / "x.pkl")
