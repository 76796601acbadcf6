"""Reads and writes the folder layout: ``queries.parquet``, ``outcomes.parquet`` and, optionally,
``models.parquet``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from secrets import token_hex

from penstock.errors import TableError
from penstock.outcomes.costs import with_prices
from penstock.outcomes.frames import pl
from penstock.outcomes.price_list import read_price_list
from penstock.outcomes.table import OutcomeTable
from penstock.outcomes.validate import checked_table

FILES = ("models", "queries", "outcomes")
"""In the order they are put in place: the outcomes last, since they name the others."""


def read_table(path: Path, *, prices: Path | None = None, allow_unscored: bool = False) -> OutcomeTable:
    """The outcome table in folder ``path``, checked. Raises ``TableError`` naming file, row and column.

    ``prices`` is a price list (see ``penstock.outcomes.price_list``) that goes before the list prices in
    ``models.parquet``. Answered rows without a quality are an error unless ``allow_unscored``.
    """
    path = Path(path)
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise TableError(
            what,
            file=path,
            hint="a table is a folder with queries.parquet and outcomes.parquet (`penstock data import`)",
        )
    files = {name: path / f"{name}.parquet" for name in FILES}
    models = _read(files["models"]) if files["models"].exists() else None
    table = checked_table(
        path.resolve().name,
        _read(files["queries"]),
        _read(files["outcomes"]),
        models,
        allow_unscored=allow_unscored,
        files=files,
    )
    return table if prices is None else with_prices(table, read_price_list(prices), source=prices)


def write_table(table: OutcomeTable, path: Path) -> None:
    """Writes the table into folder ``path`` (zstd). What stood there is replaced only when all is on the
    disk.

    A new folder appears whole; in an existing one the files are renamed into place one by one, and files
    that are no part of a table stay.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise TableError("is a file, not a folder to write a table into", file=path)
    stage = (path if path.is_dir() else path.parent) / f".{path.name}-{token_hex(4)}"
    try:
        stage.mkdir(parents=True)
        for name in FILES:
            frame: pl.DataFrame | None = getattr(table, name)
            if frame is not None:
                _write(frame, stage / f"{name}.parquet")
        _put_in_place(stage, path)
    except OSError as error:
        raise TableError(f"cannot be written ({error})", file=path) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _put_in_place(stage: Path, path: Path) -> None:
    if not path.exists():
        stage.rename(path)
        return
    for name in FILES:
        new, old = stage / f"{name}.parquet", path / f"{name}.parquet"
        if new.exists():
            os.replace(new, old)
        else:
            old.unlink(missing_ok=True)


def _write(frame: pl.DataFrame, file: Path) -> None:
    with file.open("wb") as out:
        frame.write_parquet(out, compression="zstd")
        out.flush()
        os.fsync(out.fileno())


def _read(file: Path) -> pl.DataFrame:
    if not file.exists():
        raise TableError("the file is missing", file=file)
    if file.stat().st_size == 0:
        raise TableError("the file is empty (0 bytes)", file=file)
    try:
        return pl.read_parquet(file, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TableError(f"not a readable Parquet file, truncated perhaps ({reason})", file=file) from error
