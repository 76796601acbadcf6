"""What is printed of an outcome table."""

from __future__ import annotations

import polars as pl

from penstock.collection.tables import queries_frame
from penstock.outcomes import schema
from penstock.outcomes.summary import summary
from penstock.outcomes.validate import checked_table
from penstock.types import Query


def means(rows: list[tuple[str, str, float | None]]) -> dict[str, float | None]:
    """Mean quality by model, of (model, status, quality)."""
    ids = [f"q{i}" for i in range(len(rows))]
    outcomes = pl.DataFrame(
        {
            "query_id": ids,
            "model": [row[0] for row in rows],
            "sample_index": [0] * len(rows),
            "quality": pl.Series([row[2] for row in rows], dtype=pl.Float64),
            "status": [row[1] for row in rows],
        },
    )
    for column in schema.OUTCOMES:
        if column.required and column.name not in outcomes.columns:
            outcomes = outcomes.with_columns(pl.lit(None, dtype=column.dtype).alias(column.name))
    queries = queries_frame([Query.from_prompt(name, name) for name in ids])
    queries = queries.with_columns(pl.lit(None, dtype=pl.String).alias("split"))
    table = checked_table("made", queries, outcomes, None, allow_unscored=True)
    return {row["model"]: row["mean_quality"] for row in summary(table)["models"]}


def test_a_refusal_is_worth_nothing_and_an_answer_without_a_score_is_unknown() -> None:
    rows = [
        ("refusing", "answered", 1.0),
        ("refusing", "refused", None),
        ("refusing", "failed", None),
        ("refusing", "answered", 1.0),
        ("never", "refused", None),
        ("unscored", "answered", None),
        ("unscored", "refused", None),
    ]
    assert means(rows) == {"refusing": 0.5, "never": 0.0, "unscored": None}
