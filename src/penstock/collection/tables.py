"""From a journal to an outcome table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from penstock.candidates import Pool
from penstock.collection.collect import wanted
from penstock.errors import InputError
from penstock.outcomes import schema
from penstock.outcomes.costs import models_frame
from penstock.outcomes.frames import pl
from penstock.outcomes.journal import Entry, Journal
from penstock.outcomes.table import OutcomeTable
from penstock.outcomes.to_matrix import queries_of
from penstock.outcomes.validate import checked_table
from penstock.types import Query, Status


def collected_table(
    name: str, queries: Sequence[Query] | pl.DataFrame, pool: Pool, journal: Journal, *, samples: int = 1
) -> OutcomeTable:
    """What the journal holds of these queries, this pool and this many samples; unscored.

    Queries that nobody was asked yet are in the table, without outcomes. ``models`` has the pool's prices.
    Raises ``InputError`` where nothing is there at all.
    """
    frame = queries if isinstance(queries, pl.DataFrame) else queries_frame(queries)
    entries = journal.entries
    rows = [
        _row(entries[job.key], job.candidate.name)
        for job in wanted(queries_of(frame), pool, samples)
        if job.key in entries
    ]
    if not rows:
        raise InputError("nothing has been collected", file=journal.path)
    outcomes = pl.DataFrame(rows, schema={column.name: column.dtype for column in schema.OUTCOMES})
    models = models_frame(pool.names, {candidate.name: candidate.price for candidate in pool})
    return checked_table(name, frame, outcomes, models, allow_unscored=True)


def queries_frame(queries: Sequence[Query]) -> pl.DataFrame:
    """Queries as a ``queries`` frame: conversations of other than one user's turn keep their messages."""
    rows = [
        {
            "query_id": query.id,
            "task": query.task,
            "prompt": query.prompt or None,
            "reference": query.reference,
            "group": query.group,
            "messages": None
            if query.messages == Query.from_prompt("", query.prompt).messages
            else _text(query),
        }
        for query in queries
    ]
    return pl.DataFrame(rows, schema={column.name: column.dtype for column in schema.QUERIES})


def _text(query: Query) -> str | None:
    return json.dumps([dict(m) for m in query.messages], ensure_ascii=False) if query.messages else None


def _row(entry: Entry, model: str) -> dict[str, Any]:
    answer = entry.answer
    asked = (
        answer.usage.input_tokens + answer.usage.output_tokens > 0
    )  # a provider without counts says 0 and 0
    logprobs = answer.logprobs
    return {
        "query_id": entry.query_id,
        "model": model,
        "sample_index": entry.sample_index,
        "quality": None,
        "cost_usd": answer.cost_usd,
        "input_tokens": answer.usage.input_tokens if asked else None,
        "output_tokens": answer.usage.output_tokens if asked else None,
        "cached_tokens": answer.usage.cached_tokens if asked else None,
        "latency_s": answer.latency_s,
        "answer": answer.extracted,
        "response": answer.text if answer.status is not Status.FAILED else None,
        "status": answer.status.value,
        "logprobs": logprobs if logprobs is not None and all(map(math.isfinite, logprobs)) else None,
        "error": answer.error,
        "finish_reason": answer.finish_reason,
        "confidence": answer.confidence,
    }


def with_earlier_scores(table: OutcomeTable, earlier: OutcomeTable) -> OutcomeTable:
    """The table with the quality and answer of every row that ``earlier`` has with the same response."""
    same = [*schema.KEY, "response"]
    scores = earlier.outcomes.filter(pl.col("quality").is_not_null()).select(*same, "quality", "answer")
    joined = table.outcomes.drop("quality", "answer").join(
        scores, on=same, how="left", nulls_equal=True, maintain_order="left"
    )
    return replace(table, outcomes=joined.select(table.outcomes.columns))
