"""From an outcome table to arrays: one row per query, one column per candidate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from penstock.core.hashing import uniform_of
from penstock.errors import TableError
from penstock.outcomes.cost_unit import USD, CostUnit
from penstock.outcomes.costs import row_costs
from penstock.outcomes.frames import pl
from penstock.outcomes.groups import group_of
from penstock.outcomes.matrix import OutcomeMatrix, SampleDraw
from penstock.types import Answer, FloatArray, IntArray, Query, Status, Usage

if TYPE_CHECKING:
    from penstock.outcomes.table import OutcomeTable

REPLICATES = 20
"""Samples of a cell that are shown one after the other, where it has so many: what looking at answers is
worth, and how answers agree, is learned and measured on all of them."""
_SHOWN_ROWS = 10_000
"""Fewer where rows x replicates would be more: one pass takes as long as the table does without samples."""
_OF_ANSWERS = (
    "status",
    "response",
    "answer",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "latency_s",
    "logprobs",
    "error",
    "finish_reason",
    "confidence",
)


def to_matrix(
    table: OutcomeTable, candidates: Sequence[str] | None = None, *, seed: int = 0, cost_unit: CostUnit = USD
) -> OutcomeMatrix:
    """The table as a ``OutcomeMatrix``, queries in the table's order.

    ``candidates``: models to keep, in this order (default: all that have rows). Quality and cost are means
    over a cell's samples; refused and failed samples have quality 0 and the cost they had; rows with status
    ``missing`` count as not there; a sample whose quality (or cost) is unknown is left out of that mean. A
    recorded cost of 0 stays 0. ``seed`` draws the sample that ``answer_of`` returns, and up to 19
    ``others`` of a table with several; ``cost_unit`` says what
    ``cost`` is in (the money of single answers stays USD). Raises ``TableError`` for a model that is not in
    the table, and where latency is to be counted and none is known.
    """
    names = table.model_names if candidates is None else tuple(candidates)
    unknown = [n for n in names if n not in table.model_names]
    if unknown:
        known = ", ".join(table.model_names)
        raise TableError(
            f"no model is called {unknown[0]!r}; the table has {known}", file=table.name, field="model"
        )
    queries = queries_of(table.queries)
    shape = (len(queries), len(names))
    row, cell = _rows_and_cells(table, names)
    usd, estimated = row_costs(table)
    cost = cost_unit.of(usd, _latency(table)) if cost_unit.latency else usd
    status = table.status.to_numpy()[row]
    quality = np.where(status == Status.ANSWERED.value, table.outcomes["quality"].to_numpy()[row], 0.0)
    answers = _Answers.of(table, names, row=row, cell=cell, cost=usd, seed=seed)
    means = _cell_means(quality, cell, shape)
    return OutcomeMatrix(
        queries=queries,
        candidates=names,
        quality=means,
        cost=_cell_means(cost[row], cell, shape),
        propensity=_cell_means(_propensity(table)[row], cell, shape),
        answer_of=answers,
        estimated_cost=estimated and cost_unit.usd > 0,
        cost_unit=cost_unit,
        shown=_shown(answers, quality, means),
        others=_others(answers, quality, means),
    )


def _shown(answers: _Answers, quality: FloatArray, means: FloatArray) -> FloatArray | None:
    """(n, k) quality of the drawn samples; the cell's mean where that one has no score. None where no cell
    has several."""
    several = np.flatnonzero(np.diff(answers.start) > 1)
    if not several.size:
        return None
    shown = means.copy()
    width = means.shape[1]
    for cell in several.tolist():
        drawn = quality[answers.drawn(cell // width, cell % width)]
        if not np.isnan(drawn):
            shown[cell // width, cell % width] = drawn
    return shown


def _others(answers: _Answers, quality: FloatArray, means: FloatArray) -> tuple[SampleDraw, ...]:
    """Further draws, each of samples that no earlier one showed while a cell has such. As many as a quarter
    of the cells have at least: a few cells with more than one would only repeat all the others."""
    samples = np.diff(answers.start)
    usual = int(np.quantile(samples[samples > 0], 0.75, method="lower")) if samples.any() else 1
    count = min(REPLICATES, usual, max(1, _SHOWN_ROWS // max(1, len(means))))
    drawn = [replace(answers, turn=turn) for turn in range(1, count)]
    return tuple(SampleDraw(a, s) for a in drawn if (s := _shown(a, quality, means)) is not None)


def queries_of(frame: pl.DataFrame) -> tuple[Query, ...]:
    """A checked ``queries`` frame as values, with their groups resolved."""
    blank = [None] * frame.height
    columns = [frame[c].to_list() if c in frame.columns else blank for c in ("group", "messages")]
    plain = [frame[c].to_list() for c in ("query_id", "prompt", "task", "reference")]
    queries = []
    for (name, prompt, task, reference), group, messages in zip(
        zip(*plain, strict=True), *columns, strict=True
    ):
        fields = {"task": task, "group": group_of(name, group), "reference": reference}
        if messages is None:
            queries.append(Query.from_prompt(name, prompt, **fields))
        else:
            queries.append(Query(name, tuple(json.loads(messages)), **fields))
    return tuple(queries)


def _rows_and_cells(table: OutcomeTable, names: Sequence[str]) -> tuple[IntArray, IntArray]:
    """Outcome rows of these models that were asked, and the flat cell of each, ordered by cell and sample."""
    ids = table.queries.select("query_id").with_row_index("__query")
    models = pl.DataFrame({"model": list(names)}, schema={"model": pl.String}).with_row_index("__model")
    keys = (
        table.outcomes.select("query_id", "model", "sample_index", table.status.alias("__status"))
        .with_row_index("__row")
        .filter(pl.col("__status") != Status.MISSING.value)
        .join(models, on="model")
        .join(ids, on="query_id")
        .with_columns((pl.col("__query").cast(pl.Int64) * len(names) + pl.col("__model")).alias("__cell"))
        .sort("__cell", "sample_index")
    )
    return keys["__row"].cast(pl.Int64).to_numpy(), keys["__cell"].to_numpy()


def _cell_means(values: FloatArray, cell: IntArray, shape: tuple[int, int]) -> FloatArray:
    """(n, k): the mean of the known values of every cell, NaN where it has none."""
    known = ~np.isnan(values)
    size = shape[0] * shape[1]
    count = np.bincount(cell[known], minlength=size)
    total = np.bincount(cell[known], weights=values[known], minlength=size)
    means = np.full(size, np.nan)
    np.divide(total, count, out=means, where=count > 0)
    return means.reshape(shape)


def _latency(table: OutcomeTable) -> FloatArray:
    """Seconds per row; TableError where none is known at all."""
    seconds: FloatArray = table.outcomes["latency_s"].cast(pl.Float64).to_numpy()
    if np.isnan(seconds).all():
        raise TableError(
            "no outcome has a latency, so it cannot be counted as a cost",
            file=table.name,
            field="latency_s",
            hint="Collect with penstock, which measures it, or use --cost usd",
        )
    return seconds


def _propensity(table: OutcomeTable) -> FloatArray:
    """Per row; where none is logged the row was always going to be observed."""
    if "propensity" not in table.outcomes.columns:
        return np.ones(table.outcomes.height)
    return table.outcomes["propensity"].fill_null(1.0).to_numpy()


@dataclass(frozen=True)
class _Answers:
    """``OutcomeMatrix.answer_of``: builds the one drawn answer of a cell when it is asked for, from the
    table's columns. Each ``turn`` shows the next of a cell's samples, after the last the first."""

    names: tuple[str, ...]
    ids: list[str]
    row: IntArray
    start: IntArray
    columns: dict[str, pl.Series]
    cost: FloatArray
    seed: int
    turn: int = 0

    @classmethod
    def of(
        cls,
        table: OutcomeTable,
        names: Sequence[str],
        *,
        row: IntArray,
        cell: IntArray,
        cost: FloatArray,
        seed: int,
    ) -> _Answers:
        ids = table.queries["query_id"].to_list()
        start = np.searchsorted(cell, np.arange(len(ids) * len(names) + 1))
        columns = {name: table.outcomes[name] for name in _OF_ANSWERS if name in table.outcomes.columns}
        return cls(tuple(names), ids, row, start, columns, cost, seed)

    def __call__(self, i: int, j: int) -> Answer:
        drawn = self.drawn(i, j)
        if drawn < 0:
            return Answer(self.names[j], status=Status.MISSING)
        return self._answer(self.names[j], int(self.row[drawn]))

    def drawn(self, i: int, j: int) -> int:
        """The position in ``row`` of the cell's drawn sample; -1 where it has none."""
        cell = i * len(self.names) + j
        first, samples = int(self.start[cell]), int(self.start[cell + 1] - self.start[cell])
        if samples <= 1:
            return first if samples else -1
        drawn = int(uniform_of(f"sample:{self.seed}:{self.ids[i]}:{self.names[j]}") * samples)
        return first + (drawn + self.turn) % samples

    def _answer(self, model: str, row: int) -> Answer:
        value = {name: column[row] for name, column in self.columns.items()}
        tokens = (value.get(f"{kind}_tokens") or 0 for kind in ("input", "output", "cached"))
        logprobs, cost = value.get("logprobs"), float(self.cost[row])
        return Answer(
            candidate=model,
            text=value["response"] or "",
            status=Status(value.get("status") or Status.ANSWERED),
            usage=Usage(*tokens),
            cost_usd=None if np.isnan(cost) else cost,
            latency_s=value["latency_s"],
            logprobs=None if logprobs is None else tuple(logprobs.to_list()),
            extracted=value["answer"],
            finish_reason=value.get("finish_reason"),
            error=value.get("error"),
            confidence=value.get("confidence"),
        )
