"""Checks an outcome table and brings it into one form. Every defect is one error naming file, row and column.

Rows are counted from 1, as they stand in the file (a CSV's header is not a row).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from penstock.errors import TableError
from penstock.outcomes import schema
from penstock.outcomes.frames import pl
from penstock.outcomes.schema import Column, Kind
from penstock.outcomes.table import OutcomeTable
from penstock.types import Status

_SAID = {"text": "text", "number": "numbers", "count": "whole numbers", "numbers": "lists of numbers"}


def checked_table(
    name: str,
    queries: pl.DataFrame,
    outcomes: pl.DataFrame,
    models: pl.DataFrame | None = None,
    *,
    allow_unscored: bool = False,
    files: Mapping[str, object] | None = None,
) -> OutcomeTable:
    """The table, checked and in canonical types and column order. Raises ``TableError``.

    ``files`` says what to call the frames ``queries``, ``outcomes`` and ``models`` in errors. Null quality
    on an answered row is an error unless ``allow_unscored``.
    """
    called = {k: f"{name}/{k}.parquet" for k in ("queries", "outcomes", "models")} | dict(files or {})
    queries = checked_frame(queries, schema.QUERIES, called["queries"])
    outcomes = checked_frame(outcomes, schema.OUTCOMES, called["outcomes"])
    _unique(queries, ("query_id",), called["queries"])
    _unique(outcomes, schema.KEY, called["outcomes"])
    _known(outcomes, "query_id", queries["query_id"], called["outcomes"], called["queries"])
    if models is not None:
        models = checked_frame(models, schema.MODELS, called["models"])
        _unique(models, ("model",), called["models"])
        _known(outcomes, "model", models["model"], called["outcomes"], called["models"])
    _check_status(outcomes, called["outcomes"], allow_unscored=allow_unscored)
    _check_messages(queries, called["queries"])
    return OutcomeTable(name, queries, outcomes, models)


def checked_frame(frame: pl.DataFrame, columns: Sequence[Column], file: object) -> pl.DataFrame:
    """One frame with its known columns checked, cast and put first. Raises ``TableError``."""
    missing = [c.name for c in columns if c.required and c.name not in frame.columns]
    if missing:
        raise TableError(
            f"the column is missing (the file has {', '.join(frame.columns) or 'none'})",
            file=file,
            field=missing[0],
            hint="a column whose values are unknown stands there with nulls; `penstock data import` adds it",
        )
    if frame.is_empty():
        raise TableError("the file has no rows", file=file)
    known = [c for c in columns if c.name in frame.columns]
    frame = frame.with_columns(_cast(frame, c, file) for c in known)
    for column in known:
        _check_values(frame, column, file)
    rest = [n for n in frame.columns if n not in {c.name for c in known}]
    return frame.select(*(c.name for c in known), *rest)


def _cast(frame: pl.DataFrame, column: Column, file: object) -> pl.Series:
    series = frame[column.name]
    if not _fits(series.dtype, column.kind):
        raise TableError(
            f"the column holds {series.dtype}, not {_SAID[column.kind]}", file=file, field=column.name
        )
    try:
        return series.cast(column.dtype)
    except pl.exceptions.PolarsError as error:
        message = f"the {series.dtype} values do not fit {column.dtype}"
        raise TableError(message, file=file, field=column.name) from error


def _fits(dtype: pl.DataType, kind: Kind) -> bool:
    """Whether a column of this type can be read as the kind without changing a value; all-null columns
    always can."""
    if dtype == pl.Null:
        return True
    if kind == "numbers":
        return isinstance(dtype, pl.List) and pl.Series(dtype=dtype).explode().dtype.is_numeric()
    if kind == "text":
        return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
    return dtype.is_integer() if kind == "count" else dtype.is_numeric()


def _check_values(frame: pl.DataFrame, column: Column, file: object) -> None:
    """Nulls, NaN and bounds of one column that already has its type."""
    value = pl.col(column.name)
    if column.filled:
        _refuse(frame, value.is_null(), column.name, file, "the value is null")
    if column.filled and column.kind == "text":
        _refuse(frame, value == "", column.name, file, "the text is empty")
    if column.kind == "number":
        _refuse(
            frame,
            ~value.is_finite(),
            column.name,
            file,
            "{value} is not a finite number",
            hint="unknown is null",
        )
    if column.kind == "numbers":
        _refuse(
            frame, ~value.list.eval(pl.element().is_finite()).list.all(), column.name, file, "a number is NaN"
        )
        return
    bounds = pl.lit(False)
    if column.low is not None:
        bounds |= (value <= column.low) if column.positive else (value < column.low)
    if column.high is not None:
        bounds |= value > column.high
    _refuse(frame, bounds, column.name, file, "{value} is outside " + _range(column))


def _range(column: Column) -> str:
    left = f"{'(' if column.positive else '['}{column.low:g}" if column.low is not None else "(-inf"
    return f"{left}, {column.high:g}]" if column.high is not None else f"{left}, inf)"


def _check_status(outcomes: pl.DataFrame, file: object, *, allow_unscored: bool) -> None:
    answered = pl.lit(True)
    if "status" in outcomes.columns:
        known = [s.value for s in Status]
        _refuse(
            outcomes,
            ~pl.col("status").is_in(known),
            "status",
            file,
            "{value!r} is none of " + ", ".join(known),
        )
        answered = pl.col("status").fill_null(Status.ANSWERED.value) == Status.ANSWERED.value
        scored_anyway = ~answered & (pl.col("quality") > 0)
        unexpected = "{value} on a row that was not answered"
        _refuse(outcomes, scored_anyway, "quality", file, unexpected, hint="it counts 0")
    if not allow_unscored:
        _refuse(
            outcomes,
            answered & pl.col("quality").is_null(),
            "quality",
            file,
            "an answered row has no quality",
            hint="run `penstock score`, or give the row a status: refused, failed or missing",
        )


def _check_messages(queries: pl.DataFrame, file: object) -> None:
    if "messages" not in queries.columns:
        return
    for row, text in enumerate(queries["messages"], start=1):
        if text is None:
            continue
        try:
            messages = json.loads(text)
        except json.JSONDecodeError as error:
            raise TableError(f"not JSON: {error}", file=file, row=row, field="messages") from error
        if not (isinstance(messages, list) and all(isinstance(m, dict) and "role" in m for m in messages)):
            raise TableError("not a list of messages, each with a role", file=file, row=row, field="messages")


def _unique(frame: pl.DataFrame, key: Sequence[str], file: object) -> None:
    later_copy = ~pl.struct(key).is_first_distinct() if len(key) > 1 else ~pl.col(key[0]).is_first_distinct()
    _refuse(frame, later_copy, key[0], file, " x ".join(key) + " {key} stands twice", key=key)


def _known(frame: pl.DataFrame, column: str, known: pl.Series, file: object, home: object) -> None:
    unknown = ~pl.col(column).is_in(known.implode())
    _refuse(frame, unknown, column, file, f"{{value!r}} does not stand in {home}")


def _refuse(
    frame: pl.DataFrame,
    bad: pl.Expr,
    column: str,
    file: object,
    message: str,
    *,
    hint: str | None = None,
    key: Sequence[str] = (),
) -> None:
    """Raises for the first row where ``bad`` holds, saying how many there are."""
    rows = frame.lazy().with_row_index("__row").filter(bad).select("__row", column, *key[1:]).collect()
    if rows.is_empty():
        return
    first = rows.row(0, named=True)
    text = message.format(value=first[column], key=", ".join(str(first[k]) for k in key))
    more = f" (and {rows.height - 1} more rows)" if rows.height > 1 else ""
    raise TableError(text + more, file=file, row=first["__row"] + 1, field=column, hint=hint)
