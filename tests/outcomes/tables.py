"""Small outcome tables for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from penstock.outcomes.table import OutcomeTable
from penstock.outcomes.validate import checked_table

LAYOUT = ["query_id", "model", "sample_index", "quality", "cost_usd", "input_tokens", "output_tokens"]
LAYOUT += ["latency_s", "answer", "response"]


def queries(*ids: str, **columns: list[Any]) -> pl.DataFrame:
    base = {
        "query_id": list(ids),
        "split": [None] * len(ids),
        "task": ["t"] * len(ids),
        "prompt": [f"what is {i}?" for i in ids],
        "reference": ["4"] * len(ids),
    }
    return pl.DataFrame(base | columns)


def outcome(query_id: str, model: str, quality: float | None = 1.0, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(LAYOUT)
    row |= {"query_id": query_id, "model": model, "quality": quality, "sample_index": 0}
    row |= {"cost_usd": 0.25, "input_tokens": 10, "output_tokens": 5, "response": "the answer is 4"}
    return row | fields


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)


def table(*rows: dict[str, Any], models: pl.DataFrame | None = None, **options: Any) -> OutcomeTable:
    ids = list(dict.fromkeys(row["query_id"] for row in rows))
    return checked_table("tiny", queries(*ids), frame(*rows), models, **options)


def write_raw(
    folder: Path, queries: pl.DataFrame, outcomes: pl.DataFrame, models: pl.DataFrame | None = None
) -> Path:
    """A table's files exactly as given, defects included."""
    folder.mkdir(exist_ok=True)
    queries.write_parquet(folder / "queries.parquet")
    outcomes.write_parquet(folder / "outcomes.parquet")
    if models is not None:
        models.write_parquet(folder / "models.parquet")
    return folder
