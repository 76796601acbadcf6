"""CSV, JSONL and Parquet files as plain columns, with errors that name the row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.errors import TableError
from penstock.outcomes.frames import pl
from penstock.outcomes.sources.pandas_pickle import read_pandas_pickle

SUFFIXES = (".csv", ".jsonl", ".ndjson", ".parquet", ".pkl", ".pickle")
MAX_FIELD = 1 << 27
"""Characters in one CSV field; Python's own limit of 131,072 is below the length of agent transcripts."""


@dataclass(frozen=True)
class Rows:
    """A file as columns of equal length; row i of a column is row ``i + 1`` of the file."""

    file: Path
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


def read_rows(file: Path) -> Rows:
    """The file's rows; its suffix says the format. Raises ``TableError``."""
    file = Path(file)
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise TableError(
            f"cannot tell the format from {suffix!r}", file=file, hint=f"use {', '.join(SUFFIXES)}"
        )
    if not file.is_file():
        raise TableError("there is no such file", file=file)
    if file.stat().st_size == 0:
        raise TableError("the file is empty (0 bytes)", file=file)
    if suffix == ".parquet":
        columns = _read_parquet(file)
    elif suffix in (".pkl", ".pickle"):
        columns = read_pandas_pickle(file)
    else:
        columns = _read_text(file, is_csv=suffix == ".csv")
    rows = Rows(file, columns)
    if len(rows) == 0:
        raise TableError("the file has no rows", file=file)
    return rows


def _read_parquet(file: Path) -> dict[str, list[Any]]:
    try:
        return pl.read_parquet(file, glob=False).to_dict(as_series=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise TableError(f"not a readable Parquet file, truncated perhaps ({error})", file=file) from error


def _read_text(file: Path, *, is_csv: bool) -> dict[str, list[Any]]:
    try:
        return _read_csv(file) if is_csv else _read_jsonl(file)
    except UnicodeDecodeError as error:
        raise TableError(f"not UTF-8 text ({error})", file=file) from error


def _read_csv(file: Path) -> dict[str, list[Any]]:
    """Everything as text; an empty field is None."""
    csv.field_size_limit(MAX_FIELD)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        try:
            header = next(reader, [])
            _check_header(header, file)
            columns: list[list[Any]] = [[] for _ in header]
            for number, row in enumerate(filter(None, reader), start=1):
                if len(row) != len(header):
                    fields = f"has {len(row)} fields, the header {len(header)}"
                    raise TableError(f"the row {fields}", file=file, row=number)
                for column, value in zip(columns, row, strict=True):
                    column.append(value or None)
        except csv.Error as error:
            raise TableError(f"line {reader.line_num} is not CSV: {error}", file=file) from error
    return dict(zip(header, columns, strict=True))


def _check_header(header: list[str], file: Path) -> None:
    twice = [name for i, name in enumerate(header) if name in header[:i]]
    if twice or not any(header):
        raise TableError(f"column {twice[0]!r} stands twice" if twice else "there is no header", file=file)


def _read_jsonl(file: Path) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for count, (line, row) in enumerate(_objects(file)):
        if not isinstance(row, dict):
            raise TableError(f"a JSON object is wanted on every line, not {row!r:.40}", file=file, row=line)
        for name in row.keys() - columns.keys():
            columns[name] = [None] * count
        for name, values in columns.items():
            values.append(row.get(name))
    return columns


def _objects(file: Path) -> Iterator[tuple[int, Any]]:
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except json.JSONDecodeError as error:
                    raise TableError(f"not JSON: {error}", file=file, row=number) from error
