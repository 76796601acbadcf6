"""What a table holds."""

from __future__ import annotations

from typing import Any

from penstock.outcomes.costs import row_costs
from penstock.outcomes.frames import pl
from penstock.outcomes.table import OutcomeTable


def summary(table: OutcomeTable) -> dict[str, Any]:
    """What a table holds, as plain JSON."""
    costs, estimated = row_costs(table)
    frame = table.outcomes.select("model", "quality", table.status.alias("status")).with_columns(
        pl.Series("cost", costs, nan_to_null=True)
    )
    declined = pl.col("status").is_in(["refused", "failed"])
    # as when it is accepted: what was refused is worth nothing, what has no score yet is unknown
    worth = pl.when(declined).then(0.0).otherwise(pl.col("quality"))
    unscored = pl.col("quality").is_null().all() & (pl.col("status") == "answered").any()
    models = (
        frame.group_by("model")
        .agg(
            pl.len().alias("outcomes"),
            (pl.col("status") == "refused").sum().alias("refused"),
            (pl.col("status") == "failed").sum().alias("failed"),
            pl.when(unscored).then(None).otherwise(worth.mean()).alias("mean_quality"),
            pl.col("cost").mean().alias("mean_cost_usd"),
        )
        .sort("model")
    )
    return {
        "table": table.name,
        "queries": table.queries.height,
        "outcomes": table.outcomes.height,
        "unscored": table.unscored,
        "estimated_cost": estimated,
        "models": models.to_dicts(),
    }
