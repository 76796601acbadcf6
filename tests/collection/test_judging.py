"""A whole table through a judge: each answer once, what cannot be read stays unscored."""

from __future__ import annotations

import polars as pl
import pytest

from penstock.candidates import Candidate
from penstock.collection.judging import judge_table
from penstock.errors import TableError
from penstock.outcomes.table import OutcomeTable
from penstock.pricing import Price
from penstock.providers.base import ChatRequest
from penstock.providers.judge_client import Judge, JudgeStatus
from penstock.providers.scripted import Reply, Said, ScriptedProvider
from penstock.testing.tables import as_table, tiny_matrix
from penstock.types import Usage, message_text

PRICED = Candidate("judge", "scripted", "judge", price=Price.of(1.0, 10.0))


def says(request: ChatRequest) -> Said:
    """10 for the answer "right", 1 for "wrong", nothing readable about the first query's prompt."""
    text = message_text(request.messages[-1])
    if "unreadable" in text:
        return Reply("hm", usage=Usage(100, 20))
    rating = 10 if "<answer>\nright\n" in text else 1
    return Reply(f"Rating: [[{rating}]]", usage=Usage(100, 20))


@pytest.fixture
def table() -> OutcomeTable:
    made = as_table(tiny_matrix(10, seed=2))
    prompts = ["unreadable", *made.queries["prompt"].to_list()[1:]]
    queries = made.queries.with_columns(pl.Series("prompt", prompts))
    outcomes = made.outcomes.with_columns(pl.lit(None, dtype=pl.Float64).alias("quality"))
    return OutcomeTable(made.name, queries, outcomes, made.models)


async def test_a_table_is_judged_answer_by_answer(table: OutcomeTable) -> None:
    provider = ScriptedProvider(PRICED, says)
    judged = await judge_table(table, Judge(provider), concurrency=3)
    distinct = table.outcomes.select("query_id", "response").unique().height
    assert len(provider.calls) == distinct == sum(judged.ended.values())
    assert judged.cost_usd == pytest.approx(distinct * (100 * 1.0 + 20 * 10.0) / 1e6)
    first = table.queries["query_id"][0]
    for row in judged.table.outcomes.to_dicts():
        expected = None if row["query_id"] == first else float(row["response"] == "right")
        assert row["quality"] == expected
    assert (
        judged.ended[JudgeStatus.UNPARSABLE]
        == table.outcomes.filter(pl.col("query_id") == first)["response"].n_unique()
    )
    assert judged.table.unscored == 3


async def test_what_is_scored_already_can_be_left(table: OutcomeTable) -> None:
    provider = ScriptedProvider(PRICED, says)
    once = (await judge_table(table, Judge(provider))).table
    before = len(provider.calls)
    await judge_table(once, Judge(provider), only_unscored=True)
    asked_again = table.outcomes.head(3)["response"].n_unique()
    assert len(provider.calls) == before + asked_again


async def test_a_row_without_a_text_is_one_clear_error(table: OutcomeTable) -> None:
    outcomes = table.outcomes.with_columns(
        pl.lit(None, dtype=pl.String).alias(c) for c in ("response", "answer")
    )
    with pytest.raises(TableError, match="no text"):
        await judge_table(
            OutcomeTable("t", table.queries, outcomes, None), Judge(ScriptedProvider(PRICED, says))
        )
