"""The columns of an outcome table: names, types, and what may stand in them.

The layout is three Parquet files in one folder: ``queries``, ``outcomes`` and optionally ``models``.
Columns that are not named here are kept as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.outcomes.frames import pl

Kind = Literal["text", "number", "count", "numbers"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``required`` columns must exist (null where unknown), ``filled`` ones hold no null.

    ``low`` and ``high`` bound numbers, both included; ``positive`` excludes zero.
    """

    name: str
    kind: Kind
    required: bool = True
    filled: bool = False
    low: float | None = None
    high: float | None = None
    positive: bool = False

    @property
    def dtype(self) -> pl.DataType:
        """The type the column has in memory and in the files written here."""
        types: dict[Kind, pl.DataType] = {
            "text": pl.String(),
            "number": pl.Float64(),
            "count": pl.Int64(),
            "numbers": pl.List(pl.Float32()),
        }
        return types[self.kind]


QUERIES = (
    Column("query_id", "text", filled=True),
    Column("split", "text"),
    Column("task", "text"),
    Column("prompt", "text"),
    Column("reference", "text"),
    Column("group", "text", required=False),
    Column("messages", "text", required=False),
)
"""``messages``: a whole conversation as JSON text (OpenAI's format) where ``prompt`` alone does not say
it."""

OUTCOMES = (
    Column("query_id", "text", filled=True),
    Column("model", "text", filled=True),
    Column("sample_index", "count", filled=True, low=0),
    Column("quality", "number", low=0, high=1),
    Column("cost_usd", "number", low=0),
    Column("input_tokens", "count", low=0),
    Column("output_tokens", "count", low=0),
    Column("latency_s", "number", low=0),
    Column("answer", "text"),
    Column("response", "text"),
    Column("status", "text", required=False),
    Column("logprobs", "numbers", required=False),
    Column("propensity", "number", required=False, low=0, high=1, positive=True),
    Column("error", "text", required=False),
    Column("cached_tokens", "count", required=False, low=0),
    Column("finish_reason", "text", required=False),
    Column("confidence", "number", required=False, low=0, high=1),
)

MODELS = (
    Column("model", "text", filled=True),
    Column("input_usd_per_mtok", "number", required=False, low=0),
    Column("output_usd_per_mtok", "number", required=False, low=0),
    Column("cached_input_usd_per_mtok", "number", required=False, low=0),
    Column("usd_per_request", "number", required=False, low=0),
)

KEY = ("query_id", "model", "sample_index")
"""What names one outcome."""
