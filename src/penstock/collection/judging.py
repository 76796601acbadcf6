"""A judge's rating of every answer of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from penstock.errors import TableError
from penstock.outcomes.frames import pl
from penstock.outcomes.table import OutcomeTable, with_statistics
from penstock.providers.judge_client import Judge, JudgeStatus, Rating, all_of
from penstock.types import Status


@dataclass(frozen=True)
class Judged:
    """``table`` with the judged rows' quality; calls by how they ended; USD spent; calls without a price."""

    table: OutcomeTable
    ended: Mapping[JudgeStatus, int]
    cost_usd: float
    unpriced: int


async def judge_table(
    table: OutcomeTable,
    judge: Judge,
    *,
    only_unscored: bool = False,
    concurrency: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> Judged:
    """Rate every answered row and set its quality to the rating in [0, 1].

    Equal answers to one query are judged once. A row whose judgement cannot be read, was refused or failed
    has no quality afterwards: it is unscored, not wrong. Raises TableError where a row to be judged has no
    text or its query no prompt.
    """
    known = {
        row["query_id"]: (row["prompt"], row["reference"])
        for row in table.queries.select("query_id", "prompt", "reference").to_dicts()
    }
    quality = table.outcomes["quality"].to_list()
    wanted: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(
        table.outcomes.select("query_id", "response", "answer")
        .with_columns(table.status.alias("s"))
        .to_dicts()
    ):
        if row["s"] != Status.ANSWERED.value or (only_unscored and quality[i] is not None):
            continue
        text = row["answer"] if row["response"] is None else row["response"]
        if text is None or known[row["query_id"]][0] is None:
            what = "text" if text is None else "prompt"
            raise TableError(
                f"the row has no {what} to be judged by", file=f"{table.name}/outcomes.parquet", row=i + 1
            )
        wanted.setdefault((row["query_id"], text), []).append(i)
    asked = [partial(judge.rate, known[query][0], text, reference=known[query][1]) for query, text in wanted]
    ratings: list[Rating] = await all_of(asked, concurrency=concurrency, progress=progress)
    for rows, rating in zip(wanted.values(), ratings, strict=True):
        for i in rows:
            quality[i] = rating.quality
    outcomes = table.outcomes.with_columns(pl.Series("quality", quality, dtype=pl.Float64))
    models = None if table.models is None else with_statistics(table.models, outcomes)
    costs = [rating.cost_usd for rating in ratings]
    return Judged(
        replace(table, outcomes=outcomes, models=models),
        Counter(rating.status for rating in ratings),
        sum(c for c in costs if c is not None),
        costs.count(None),
    )
