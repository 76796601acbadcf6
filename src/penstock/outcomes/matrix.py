"""An outcome table as arrays: what estimators are fitted on and policies replayed over.

One row per query, one column per candidate. Nothing here knows files or data frames, so the same arrays can
come from a table, from a decision log or from a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from penstock.outcomes.cost_unit import USD, CostUnit
from penstock.types import AnswerOf, BoolArray, FloatArray, IntArray, Query


@dataclass(frozen=True)
class SampleDraw:
    """Which sample of every cell is shown: its answer, and its ``quality`` (n, k)."""

    answer_of: AnswerOf = field(repr=False, compare=False)
    quality: FloatArray

    def rows(self, picked: Sequence[int]) -> SampleDraw:
        """The same, for some of the queries."""
        source = self.answer_of
        return SampleDraw(lambda i, j: source(picked[i], j), self.quality[list(picked)])

    def select(self, columns: Sequence[int]) -> SampleDraw:
        """The same, for some of the candidates."""
        source = self.answer_of
        return SampleDraw(lambda i, j: source(i, columns[j]), self.quality[:, list(columns)])


@dataclass(frozen=True, repr=False)
class OutcomeMatrix:
    """Outcomes of n queries by k candidates.

    ``quality`` (n, k) in [0, 1]: the mean over a query's samples; a refused or failed answer counts 0; NaN
    where the candidate was not asked or its answer has no score. ``cost`` (n, k) in USD, refused and failed
    answers included; NaN where unknown. ``propensity`` (n, k): the probability with which the cell was
    observed, 1 where it was always to be, NaN where it was not. ``answer_of(i, j)`` is the one sample of a
    cell, drawn by hash of the query, from which post-hoc features are computed (docs/decisions/0012);
    ``shown`` (n, k) is the quality of that very answer, None where no cell has several samples. Who accepts
    an answer because of what it shows gets its quality, not the mean of others that were not shown.
    ``others``: further samples that could be shown instead, none where no cell has several.
    """

    queries: tuple[Query, ...]
    candidates: tuple[str, ...]
    quality: FloatArray
    cost: FloatArray
    propensity: FloatArray
    answer_of: AnswerOf = field(repr=False, compare=False)
    estimated_cost: bool = False
    """True where costs are input tokens x price because no output tokens are known."""
    cost_unit: CostUnit = USD
    """What ``cost`` is in, where it is not USD."""
    shown: FloatArray | None = None
    others: tuple[SampleDraw, ...] = ()

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, k)."""
        return len(self.queries), len(self.candidates)

    def __repr__(self) -> str:
        return (
            f"OutcomeMatrix({len(self):,} queries by {', '.join(self.candidates)}; cost in {self.cost_unit})"
        )

    @property
    def drawn_quality(self) -> FloatArray:
        """(n, k) the quality of the answers that are shown: ``quality`` where nothing else is known."""
        return self.quality if self.shown is None else self.shown

    @property
    def replicates(self) -> tuple[OutcomeMatrix, ...]:
        """This grid, and the same with each of the ``others`` shown instead."""
        alone = replace(self, others=())
        redrawn = (replace(alone, answer_of=s.answer_of, shown=s.quality) for s in self.others)
        return (alone, *redrawn)

    @property
    def observed(self) -> BoolArray:
        """(n, k): the candidate was asked, its quality is known and its cost is known."""
        return ~np.isnan(self.quality) & ~np.isnan(self.cost)

    @property
    def complete(self) -> BoolArray:
        """(n,): every candidate of the grid is observed on the query."""
        complete: BoolArray = np.all(self.observed, axis=1)
        return complete

    def rows(self, index: IntArray | BoolArray) -> OutcomeMatrix:
        """Some of the queries, in the order of ``index``."""
        chosen = np.flatnonzero(index) if index.dtype == np.bool_ else index
        source, picked = self.answer_of, chosen.tolist()
        return replace(
            self,
            queries=tuple(self.queries[i] for i in picked),
            quality=self.quality[chosen],
            cost=self.cost[chosen],
            propensity=self.propensity[chosen],
            answer_of=lambda i, j: source(picked[i], j),
            shown=None if self.shown is None else self.shown[chosen],
            others=tuple(s.rows(picked) for s in self.others),
        )

    def select(self, names: Sequence[str]) -> OutcomeMatrix:
        """Some of the candidates, in the order of ``names``."""
        columns = [self.candidates.index(name) for name in names]
        source = self.answer_of
        return replace(
            self,
            candidates=tuple(names),
            quality=self.quality[:, columns],
            cost=self.cost[:, columns],
            propensity=self.propensity[:, columns],
            answer_of=lambda i, j: source(i, columns[j]),
            shown=None if self.shown is None else self.shown[:, columns],
            others=tuple(s.select(columns) for s in self.others),
        )
