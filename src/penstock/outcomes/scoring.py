"""Scores a table: quality and final answer of every answered row, from its response and the query's
reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from penstock.errors import InputError, TableError
from penstock.outcomes.frames import pl
from penstock.outcomes.scorers.base import Scorer
from penstock.outcomes.table import OutcomeTable, with_statistics
from penstock.types import Status


def score_table(table: OutcomeTable, scorer: Scorer, *, only_unscored: bool = False) -> OutcomeTable:
    """The table with ``quality`` and ``answer`` of its answered rows set by ``scorer``; others are left
    alone.

    A row's text is its response, or its answer where no response was kept. ``only_unscored`` leaves rows
    that have a quality as they are. Raises ``TableError`` where a row to be scored has no text or its query
    no reference.
    """
    file = f"{table.name}/outcomes.parquet"
    reference = dict(table.queries.select("query_id", "reference").iter_rows())
    quality, answer = table.outcomes["quality"].to_list(), table.outcomes["answer"].to_list()
    rows = zip(table.outcomes["query_id"], table.outcomes["response"], table.status, strict=True)
    cache: dict[tuple[str, str], Any] = {}
    for i, (query_id, response, status) in enumerate(rows):
        if status != Status.ANSWERED or (only_unscored and quality[i] is not None):
            continue
        text = answer[i] if response is None else response
        wanted = reference[query_id]
        if text is None:
            hint = "a table without texts cannot be scored"
            raise TableError("the row has no text", file=file, row=i + 1, field="response", hint=hint)
        if wanted is None:
            message = f"query {query_id!r} has no reference to score against"
            raise TableError(message, file=f"{table.name}/queries.parquet", field="reference")
        if (text, wanted) not in cache:
            cache[text, wanted] = _scored(scorer, text, wanted, query_id, table.name)
        quality[i], answer[i] = cache[text, wanted]
    outcomes = table.outcomes.with_columns(
        pl.Series("quality", quality, dtype=pl.Float64), pl.Series("answer", answer, dtype=pl.String)
    )
    models = None if table.models is None else with_statistics(table.models, outcomes)
    return replace(table, outcomes=outcomes, models=models)


def _scored(scorer: Scorer, text: str, wanted: str, query_id: str, table: str) -> tuple[float, str | None]:
    try:
        score = scorer(text, wanted)
    except InputError as error:
        message = f"query {query_id!r}: {error.message}"
        raise TableError(message, file=f"{table}/queries.parquet", field="reference") from error
    return score.quality, score.extracted
