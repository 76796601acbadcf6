"""Answers from an outcome table: what a model said once, for the prompts it was asked then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.candidates import Candidate
from penstock.errors import MissingExtra, PoolError, ProviderUnavailable, RequestRejected, TableError
from penstock.providers.base import ChatRequest, Completion, StreamChunk
from penstock.providers.openai_format import answer_of, completion_body, text_hash
from penstock.providers.request_shaping import as_stream
from penstock.registry import register
from penstock.types import Query, Status, Usage

_WANTED = (
    "status",
    "response",
    "answer",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "latency_s",
    "logprobs",
)
Row = dict[str, Any]


@register("provider", "recorded")
@dataclass(slots=True)
class RecordedProvider:
    """Replays the rows of one model of the outcome table in folder ``table``.

    A prompt is found by the hash of its text; of a query with several samples, the request's ``seed`` (0
    where absent) picks one. A prompt that was never asked raises ``RequestRejected``; a row recorded as
    failed raises ``ProviderUnavailable``. The table is read on the first call.
    """

    candidate: Candidate
    table: Path
    _rows: dict[str, list[Row]] | None = None

    @classmethod
    def from_candidate(cls, candidate: Candidate) -> RecordedProvider:
        """Option: ``table``, the folder; ``candidate.model`` is the model's name there."""
        table = candidate.options.get("table")
        if not table:
            raise PoolError(
                f"candidate {candidate.name!r} needs the folder of its outcome table", field="table"
            )
        return cls(candidate, Path(table))

    async def complete(self, request: ChatRequest) -> Completion:
        """The recorded answer. Raises ``TableError`` where the table cannot be read."""
        if self._rows is None:
            self._rows = await asyncio.to_thread(read_rows, self.table, self.candidate.model)
        prompt = Query("", request.messages).prompt
        samples = self._rows.get(text_hash(prompt))
        if samples is None:
            raise RequestRejected(
                f"this prompt was not recorded in {self.table}: {_shortened(prompt)}",
                candidate=self.candidate.name,
            )
        seed = request.params.get("seed")
        return self._completion(samples[(seed if isinstance(seed, int) else 0) % len(samples)])

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        """The recorded answer, in chunks."""
        completion = await self.complete(request)
        for chunk in as_stream(completion, request):
            yield chunk

    async def aclose(self) -> None:
        """Let the table go."""
        self._rows = None

    def _completion(self, row: Row) -> Completion:
        status = row.get("status") or Status.ANSWERED
        if status in (Status.FAILED, Status.MISSING):
            raise ProviderUnavailable(f"recorded as {status}", candidate=self.candidate.name)
        text = next((row[key] for key in ("response", "answer") if row.get(key) is not None), "")
        refused = status == Status.REFUSED
        body = completion_body(
            None if refused else text,
            model=self.candidate.model,
            usage=_usage(row),
            refusal=(text or "refused") if refused else None,
            logprobs=row.get("logprobs"),
        )
        answer = answer_of(self.candidate, body, latency_s=row.get("latency_s"))
        recorded = row.get("cost_usd")
        cost = answer.cost_usd if recorded is None else float(recorded)
        return Completion(replace(answer, cost_usd=cost, extracted=row.get("answer")), body)


def read_rows(table: Path, model: str) -> dict[str, list[Row]]:
    """The rows of one model by hash of prompt, samples in order; of two queries with one text, the first."""
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtra("fit", "reading an outcome table") from error
    for name in ("queries.parquet", "outcomes.parquet"):
        if not (table / name).is_file():
            raise TableError(f"no {name} there", file=table, hint="Give the folder of an outcome table")
    try:
        queries = (
            pl.scan_parquet(table / "queries.parquet").select("query_id", "prompt").drop_nulls().collect()
        )
        outcomes = pl.scan_parquet(table / "outcomes.parquet")
        present = outcomes.collect_schema().names()
        columns = ["query_id", *(c for c in ("sample_index", *_WANTED) if c in present)]
        rows = outcomes.filter(pl.col("model") == model).select(columns).collect()
    except pl.exceptions.PolarsError as error:
        raise TableError(f"cannot be read: {error}", file=table) from error
    if rows.is_empty():
        known = ", ".join(sorted(outcomes.select(pl.col("model").unique()).collect()["model"].to_list()))
        raise TableError(f"no rows of model {model!r}; the table has {known}", file=table, field="model")
    by_query: dict[str, list[Row]] = {}
    order = ["query_id", "sample_index"] if "sample_index" in columns else ["query_id"]
    for row in rows.sort(order, maintain_order=True).iter_rows(named=True):
        by_query.setdefault(row["query_id"], []).append(row)
    found: dict[str, list[Row]] = {}
    for query_id, prompt in queries.iter_rows():
        if query_id in by_query:
            found.setdefault(text_hash(prompt), by_query[query_id])
    return found


def _usage(row: Row) -> Usage | None:
    inputs, outputs = row.get("input_tokens"), row.get("output_tokens")
    return None if inputs is None or outputs is None else Usage(int(inputs), int(outputs))


def _shortened(prompt: str) -> str:
    return repr(prompt if len(prompt) <= 80 else prompt[:77] + "...")
