"""Outcomes from whatever a user has in hand, and results as the data frames they work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from penstock.outcomes.matrix import OutcomeMatrix
    from penstock.outcomes.table import OutcomeTable

Outcomes = Any
"""A table's folder, a CSV, JSONL or Parquet file, a pandas or polars frame with one row per query and model,
an ``OutcomeTable`` or an ``OutcomeMatrix``."""


def matrix_of(
    outcomes: Outcomes,
    *,
    columns: Mapping[str, str] | None = None,
    prices: Path | str | None = None,
    cost: str = "usd",
    seed: int = 0,
) -> OutcomeMatrix:
    """Outcomes as arrays, their costs in the unit named ``cost``. ``columns``: our column -> theirs, where
    names are not recognised. Raises ``TableError``, and ``InputError`` for what holds no outcomes."""
    from penstock.outcomes.cost_unit import CostUnit
    from penstock.outcomes.matrix import OutcomeMatrix

    if isinstance(outcomes, OutcomeMatrix):
        return outcomes
    table = table_of(outcomes, columns=columns, prices=prices)
    return table.matrix(seed=seed, cost_unit=CostUnit.parse(cost))


def table_of(
    outcomes: Outcomes, *, columns: Mapping[str, str] | None = None, prices: Path | str | None = None
) -> OutcomeTable:
    """The same as a checked table."""
    try:
        from penstock.outcomes.imports import import_frame, import_table
        from penstock.outcomes.io import read_table
        from penstock.outcomes.table import OutcomeTable
    except ImportError as error:
        raise MissingExtra("fit", "reading outcomes") from error
    listed = None if prices is None else Path(prices)
    if isinstance(outcomes, OutcomeTable):
        return outcomes
    if isinstance(outcomes, str | Path):
        path = Path(outcomes)
        if path.is_dir():
            return read_table(path, prices=listed)
        return import_table(path, mapping=columns, prices=listed)
    named = columns_of(outcomes)
    if named is None:
        raise InputError(
            f"outcomes come as a folder, a file or a data frame, not as {type(outcomes).__name__}",
            hint="Give a pandas or polars frame with the columns prompt, model, quality and cost_usd",
        )
    return import_frame(named, mapping=columns, prices=listed)


def columns_of(frame: Any) -> dict[str, list[Any]] | None:
    """The columns of a pandas or polars frame as lists, what is missing as None; None for anything else."""
    library = type(frame).__module__.partition(".")[0]
    if library == "polars" and hasattr(frame, "to_dict"):
        return {str(name): list(values) for name, values in frame.to_dict(as_series=False).items()}
    if library == "pandas" and hasattr(frame, "columns"):
        return {
            str(name): [
                None if gone else value
                for value, gone in zip(column.tolist(), column.isna().tolist(), strict=True)
            ]
            for name, column in frame.items()
        }
    return None


def frame_of(rows: Sequence[Mapping[str, Any]], library: str = "polars") -> Any:
    """Rows as a data frame of ``polars`` or ``pandas``. Raises ``MissingExtra`` where it is not installed."""
    if library not in {"polars", "pandas"}:
        raise InputError(f"must be polars or pandas, not {library!r}", field="library")
    try:
        if library == "polars":
            import polars

            return polars.DataFrame(list(rows), infer_schema_length=None)
        import pandas

        return pandas.DataFrame(list(rows))
    except ImportError as error:
        raise InputError(f"{library} is not installed", field="library") from error
