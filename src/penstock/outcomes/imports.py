"""Makes an outcome table of a CSV, JSONL, Parquet or pickle file of somebody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.errors import TableError
from penstock.outcomes import schema
from penstock.outcomes.costs import with_prices
from penstock.outcomes.frames import pl
from penstock.outcomes.price_list import read_price_list
from penstock.outcomes.sources.long_format import long_frames, match_columns, query_frame
from penstock.outcomes.sources.routerbench import is_wide, wide_frames
from penstock.outcomes.sources.rows import Rows, read_rows
from penstock.outcomes.table import OutcomeTable
from penstock.outcomes.validate import checked_frame, checked_table


def import_table(
    file: Path, *, mapping: Mapping[str, str] | None = None, prices: Path | None = None
) -> OutcomeTable:
    """The file as a table: one row per query x model (x sample), or RouterBench's wide table.

    ``mapping``: our column -> the file's, where the names are not recognised. A file without qualities
    gives an unscored table. Raises ``TableError`` naming file, row and column.
    """
    return _table(read_rows(file), mapping or {}, prices)


def import_frame(
    columns: Mapping[str, Sequence[Any]],
    *,
    mapping: Mapping[str, str] | None = None,
    prices: Path | None = None,
    name: str = "frame",
) -> OutcomeTable:
    """The same of columns in memory, all of one length, what is missing as None."""
    return _table(Rows(Path(name), {k: list(v) for k, v in columns.items()}), mapping or {}, prices)


def _table(rows: Rows, mapping: Mapping[str, str], prices: Path | None) -> OutcomeTable:
    queries, outcomes = (wide_frames if is_wide(rows) else long_frames)(rows, mapping)
    files = dict.fromkeys(("queries", "outcomes"), rows.file)
    unscored = outcomes["quality"].null_count() == outcomes.height
    table = checked_table(rows.file.stem, queries, outcomes, allow_unscored=unscored, files=files)
    return table if prices is None else with_prices(table, read_price_list(prices), source=prices)


def import_queries(path: Path, *, mapping: Mapping[str, str] | None = None) -> pl.DataFrame:
    """A checked ``queries`` frame from a table's folder or from a CSV, JSONL or Parquet file of questions.

    Raises ``TableError`` where a question stands twice.
    """
    file = path / "queries.parquet" if path.is_dir() else path
    rows = read_rows(file)
    found = match_columns(rows, mapping or {})
    frame = query_frame(rows, found)
    if frame.height < len(rows):
        raise TableError(
            f"{len(rows)} rows hold only {frame.height} different queries",
            file=file,
            field=found.get("query_id", "prompt"),
            hint="give every query its own id, or drop the repetitions",
        )
    return checked_frame(frame, schema.QUERIES, file)
