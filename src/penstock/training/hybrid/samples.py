"""The sampled qualities of an outcome table, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.errors import TableError
from penstock.outcomes.frames import pl
from penstock.outcomes.table import OutcomeTable
from penstock.outcomes.to_matrix import queries_of
from penstock.types import BoolArray, FloatArray, IntArray, Query, Status


@dataclass(frozen=True)
class Samples:
    """``quality`` (n, k, s) of every sample in order of its index, NaN where there are fewer than s."""

    queries: tuple[Query, ...]
    models: tuple[str, ...]
    quality: FloatArray

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def prompts(self) -> list[str]:
        """What the encoder reads."""
        return [q.prompt for q in self.queries]

    @property
    def mean(self) -> FloatArray:
        """(n, k) mean quality."""
        means: FloatArray = np.nanmean(self.quality, axis=2)
        return means

    def of(self, model: str) -> FloatArray:
        """(n, s) of one model."""
        column: FloatArray = self.quality[:, self.models.index(model)]
        return column

    def rows(self, index: IntArray | BoolArray) -> Samples:
        """Some of the queries."""
        chosen = np.flatnonzero(index) if index.dtype == np.bool_ else index
        return Samples(tuple(self.queries[i] for i in chosen.tolist()), self.models, self.quality[chosen])


def samples_of(table: OutcomeTable, models: Sequence[str] | None = None) -> tuple[Samples, int]:
    """The queries every model (default: all of the table) has a scored sample of, and how many others
    were left out.

    A refused or failed sample has quality 0; rows with status ``missing`` count as not there. Raises
    TableError for an unknown model, fewer than two models, or no common query with a prompt.
    """
    names = table.model_names if models is None else tuple(dict.fromkeys(models))
    for name in names:
        if name not in table.model_names:
            known = ", ".join(table.model_names)
            raise TableError(
                f"no model is called {name!r}; the table has {known}", file=table.name, field="model"
            )
    if len(names) < 2:
        raise TableError("a router needs two models at least", file=table.name, field="model")
    quality = _quality(table, names)
    queries = queries_of(table.queries)
    known_everywhere: BoolArray = np.all(np.any(~np.isnan(quality), axis=2), axis=1)
    usable = known_everywhere & np.array([bool(q.prompt.strip()) for q in queries], dtype=bool)
    if not usable.any():
        raise TableError(
            f"no query has a prompt and a scored answer of each of {', '.join(names)}", file=table.name
        )
    whole = Samples(queries, names, quality)
    return whole.rows(usable), int((~usable).sum())


def _quality(table: OutcomeTable, names: Sequence[str]) -> FloatArray:
    ids = table.queries.select("query_id").with_row_index("__query")
    models = pl.DataFrame({"model": list(names)}, schema={"model": pl.String}).with_row_index("__model")
    rows = (
        table.outcomes.select("query_id", "model", "sample_index", "quality", table.status.alias("__status"))
        .filter(pl.col("__status") != Status.MISSING.value)
        .with_columns(
            pl.when(pl.col("__status") == Status.ANSWERED.value).then(pl.col("quality")).otherwise(0.0)
        )
        .join(models, on="model")
        .join(ids, on="query_id")
        .filter(pl.col("quality").is_not_null())
        .sort("__query", "__model", "sample_index")
        .with_columns(pl.int_range(pl.len()).over("__query", "__model").alias("__rank"))
    )
    most = 1 if rows.is_empty() else int(rows["__rank"].max()) + 1  # type: ignore[arg-type] # not empty
    quality = np.full((table.queries.height, len(names), most), np.nan)
    index = tuple(rows[name].to_numpy() for name in ("__query", "__model", "__rank"))
    quality[index] = rows["quality"].cast(pl.Float64).to_numpy()
    return quality
