"""Fitting rows, prepared once for every estimator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from penstock.answers.features import Observations, observe
from penstock.errors import InputError, TableError
from penstock.estimators.agreement.comparison import (
    MEANING,
    Comparison,
    choose_by_form,
    choose_by_meaning,
)
from penstock.estimators.cost import CostModel, fit_cost
from penstock.estimators.crossfit import cell_weights
from penstock.estimators.embeddings import Embedder, EmbeddingEncoder
from penstock.estimators.ex_ante.encoder import ScoringEncoder, TextModel
from penstock.estimators.features import Encoder, Inputs, fit_encoder
from penstock.fitting.search_spaces import LOOKAHEAD
from penstock.fitting.select_candidates import complete_rows
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import Grid
from penstock.outcomes.splits import folds, groups_of, task_out_splits
from penstock.router.replay import Beliefs
from penstock.state import draw_of
from penstock.types import BoolArray, FloatArray, IntArray

LEAST_ROWS = 20


@dataclass(frozen=True)
class FittingRows:
    """All n rows of a grid with what every estimator shares.

    ``weight`` (n, k) is 0 where a cell is missing; ``fold`` (n,) the fold a row is held out in;
    ``tuning`` (n,)
    marks the complete rows, which alone are tuned on; ``cluster`` numbers what tuning rows are resampled by;
    ``expected_cost`` (n, k) comes from cost models of the other folds; ``seen`` is None where answers
    carry no signal. ``best`` is the best fixed candidate's column. ``shown`` (n, k) is the quality of the
    answers that are shown (``Grid.shown``); ``code`` (n, k) numbers equal ones by ``comparison``, both None
    where no answers can be compared; ``answered`` (n, k). ``others``: the same rows with other
    samples shown, where there are several.
    """

    inputs: Inputs
    quality: FloatArray
    cost: FloatArray
    weight: FloatArray
    fold: IntArray
    draw: FloatArray
    tuning: BoolArray
    cluster: IntArray
    expected_cost: FloatArray
    shown: FloatArray
    code: IntArray | None
    comparison: Comparison | None
    answered: BoolArray
    seen: Observations | None
    encoder: Encoder
    cost_model: CostModel
    best: int
    seconds: float
    others: tuple[FittingRows, ...] = ()

    @property
    def showings(self) -> tuple[FittingRows, ...]:
        """These rows, and the same with each of the other samples shown."""
        return (self, *self.others)

    @property
    def tuned_quality(self) -> FloatArray:
        """True qualities of the tuning rows."""
        return self.quality[self.tuning]

    @property
    def tuned_shown(self) -> FloatArray:
        """Qualities of the answers shown on the tuning rows: what a policy that looks at them gets."""
        return self.shown[self.tuning]

    @property
    def tuned_cost(self) -> FloatArray:
        """True costs of the tuning rows."""
        return self.cost[self.tuning]

    def beliefs(self, ex_ante: FloatArray, post_hoc: FloatArray, spread: FloatArray | None = None) -> Beliefs:
        """Out-of-fold estimates (n, k) as the beliefs policies are tuned with."""
        return Beliefs(
            ex_ante,
            post_hoc,
            self.expected_cost,
            self.draw,
            spread,
            None if self.seen is None else ~self.seen.answered,
            None if self.seen is None else self.seen.confidence,
        ).rows(self.tuning)

    def no_beliefs(self) -> Beliefs:
        """For fixed policies, which look at nothing."""
        nothing = np.zeros_like(self.quality)
        return self.beliefs(nothing, nothing)


def prepare_rows(
    grid: Grid,
    best_fixed: str,
    settings: FitSettings,
    text_model: TextModel | None = None,
    embedder: Embedder | None = None,
) -> FittingRows:
    """Read prompts, learn features and costs, deal folds.

    TableError where too few rows are complete; InputError for a text model and an embedder together, and
    where answers are to be compared by meaning without an embedder.
    """
    started = perf_counter()
    if text_model is not None and embedder is not None:
        raise InputError(
            "a router reads prompts with a trained text model or with an embedder, not with both",
            field="--embeddings",
            hint="Leave one of them out",
        )
    if settings.compare == MEANING and embedder is None:
        raise InputError(
            "answers are compared by meaning with an embedding model, and none is named",
            field="--compare",
            hint="Name one with --embeddings",
        )
    tuning = complete_rows(grid)
    if int(tuning.sum()) < LEAST_ROWS:
        raise TableError(
            f"only {int(tuning.sum())} of {len(grid)} queries were answered, scored and costed by all of "
            f"{', '.join(grid.candidates)}; at least {LEAST_ROWS} are needed",
            hint="Collect more, or name fewer candidates with --candidates",
        )
    encoder = fit_encoder(
        grid.queries, features=settings.features, directions=settings.directions, seed=settings.seed
    )
    if text_model is not None:
        encoder = ScoringEncoder.over(encoder, text_model)
    if embedder is not None:
        encoder = EmbeddingEncoder.over(encoder, embedder, grid.queries)
    cluster = _clusters(grid, settings)
    inputs = replace(encoder.encode(grid.queries), block=cluster)
    fold = _folds(grid, settings)
    if len(np.unique(fold)) < 2:
        raise TableError(
            f"the {len(grid)} queries are variants or turns of too few questions to hold some out",
            hint="Estimates are tested on questions they were not fitted on: collect more questions",
        )
    weight = cell_weights(grid.quality, grid.propensity)
    cost_model, expected_cost = fit_cost(inputs, grid.cost, weight, fold, seed=settings.seed)
    seen = observe(grid.answer_of, *grid.quality.shape) if settings.looks else None
    comparison = _comparison(grid, settings, embedder)
    rows = FittingRows(
        inputs=inputs,
        quality=grid.quality,
        cost=grid.cost,
        weight=weight,
        fold=fold,
        draw=np.array([draw_of(q.id, settings.seed) for q in grid.queries]),
        tuning=tuning,
        cluster=cluster[tuning],
        expected_cost=expected_cost,
        shown=grid.shown_quality,
        code=None if comparison is None else comparison.codes(grid),
        comparison=comparison,
        answered=np.ones(grid.quality.shape, dtype=bool) if seen is None else seen.answered,
        seen=seen if seen is not None and seen.informative else None,
        encoder=encoder,
        cost_model=cost_model,
        best=grid.candidates.index(best_fixed),
        seconds=0.0,
    )
    others = tuple(_redrawn(rows, g) for g in grid.showings[1:]) if settings.looks else ()
    return replace(rows, others=others, seconds=perf_counter() - started)


def _redrawn(rows: FittingRows, grid: Grid) -> FittingRows:
    """The same rows as another showing of the grid has them."""
    seen = observe(grid.answer_of, *grid.quality.shape)
    return replace(
        rows,
        shown=grid.shown_quality,
        code=None if rows.comparison is None else rows.comparison.codes(grid),
        answered=seen.answered,
        seen=None if rows.seen is None else seen,
    )


def _comparison(grid: Grid, settings: FitSettings, embedder: Embedder | None) -> Comparison | None:
    """How answers are compared; None where agreement says nothing, or nobody asks for it."""
    if LOOKAHEAD not in settings.policies or len(grid.candidates) < 2:
        return None
    if settings.compare == MEANING and embedder is not None:
        return choose_by_meaning(grid, embedder)
    return choose_by_form(grid)


def _folds(grid: Grid, settings: FitSettings) -> IntArray:
    count = settings.folds_of(len(grid))
    if settings.fold_by == "group":
        return folds(grid.queries, count, settings.seed)
    fold = np.zeros(len(grid), dtype=np.int64)
    for number, (_, held) in enumerate(task_out_splits(grid.queries, count, settings.seed)):
        fold[held] = number
    return fold


def _clusters(grid: Grid, settings: FitSettings) -> IntArray:
    """Rows that stand or fall together: of one question, or of one task where tasks are what is sampled."""
    by_task = settings.fold_by == "task"
    keys = [q.task or "" for q in grid.queries] if by_task else groups_of(grid.queries)
    return np.unique(keys, return_inverse=True)[1]
