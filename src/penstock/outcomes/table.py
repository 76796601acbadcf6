"""The outcome table: what every candidate did on every query, as data frames."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from penstock.outcomes.cost_unit import USD, CostUnit
from penstock.outcomes.frames import pl
from penstock.types import Status

if TYPE_CHECKING:
    from penstock.outcomes.matrix import OutcomeMatrix


@dataclass(frozen=True, eq=False, repr=False)
class OutcomeTable:
    """Queries, outcomes and (where known) models, checked; built by ``read_table`` and ``checked_table``.

    ``queries``: one row per query; ``outcomes``: one row per query, model and sample; ``models``: one row
    per model with its list prices in USD per million tokens. Columns are those of
    ``penstock.outcomes.schema``, then any others. A table may be *unscored*: answered rows without a
    quality, as collected and before ``penstock score``.
    """

    name: str
    queries: pl.DataFrame
    outcomes: pl.DataFrame
    models: pl.DataFrame | None = None

    @property
    def model_names(self) -> tuple[str, ...]:
        """The models that have rows: in the order of ``models`` where there is one, else by name."""
        present = set(self.outcomes["model"].unique().to_list())
        if self.models is not None:
            return tuple(m for m in self.models["model"].to_list() if m in present)
        return tuple(sorted(present))

    @property
    def status(self) -> pl.Series:
        """The status of every outcome; rows that state none were answered."""
        if "status" not in self.outcomes.columns:
            return pl.repeat(Status.ANSWERED.value, self.outcomes.height, dtype=pl.String, eager=True)
        return self.outcomes["status"].fill_null(Status.ANSWERED.value)

    @property
    def unscored(self) -> int:
        """How many answered rows have no quality yet."""
        return int((self.outcomes["quality"].is_null() & (self.status == Status.ANSWERED.value)).sum())

    def matrix(
        self, candidates: Sequence[str] | None = None, *, seed: int = 0, cost_unit: CostUnit = USD
    ) -> OutcomeMatrix:
        """The table as arrays: one row per query, one column per candidate (default: all that have rows).
        See ``to_matrix``."""
        from penstock.outcomes.to_matrix import to_matrix

        return to_matrix(self, candidates, seed=seed, cost_unit=cost_unit)

    def __repr__(self) -> str:
        rows, models = self.outcomes.height, ", ".join(self.model_names)
        return f"OutcomeTable({self.name!r}, {self.queries.height:,} queries, {rows:,} outcomes of {models})"

    def of_queries(self, ids: Collection[str], *, name: str | None = None) -> OutcomeTable:
        """The table of some of the queries, in this table's order; statistics in ``models`` are made anew."""
        wanted = pl.Series("query_id", list(ids), dtype=pl.String).implode()
        outcomes = self.outcomes.filter(pl.col("query_id").is_in(wanted))
        return replace(
            self,
            name=self.name if name is None else name,
            queries=self.queries.filter(pl.col("query_id").is_in(wanted)),
            outcomes=outcomes,
            models=None if self.models is None else with_statistics(self.models, outcomes),
        )

    def equals(self, other: OutcomeTable) -> bool:
        """Whether both hold the same rows in the same order; names are not compared."""
        if (self.models is None) != (other.models is None):
            return False
        same = self.queries.equals(other.queries) and self.outcomes.equals(other.outcomes)
        return same and (self.models is None or other.models is None or self.models.equals(other.models))


def with_statistics(models: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """``models`` with its statistics columns (those it has) computed from ``outcomes``."""
    fresh = outcomes.group_by("model").agg(
        pl.col("query_id").n_unique().cast(pl.Int32).alias("n_queries"),
        pl.len().cast(pl.Int32).alias("n_rows"),
        pl.col("quality").mean().alias("mean_quality"),
        pl.col("cost_usd").mean().alias("mean_cost_usd"),
        pl.col("input_tokens").mean().alias("mean_input_tokens"),
        pl.col("output_tokens").mean().alias("mean_output_tokens"),
    )
    stated = [c for c in fresh.columns if c != "model" and c in models.columns]
    counts = [c for c in stated if c.startswith("n_")]
    joined = models.drop(stated).join(
        fresh.select("model", *stated), on="model", how="left", maintain_order="left"
    )
    return joined.with_columns(pl.col(counts).fill_null(0)).select(models.columns)
