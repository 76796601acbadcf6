"""Fitting rows, prepared once for every estimator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from penstock import registry
from penstock.belief import GoesBy, OwnAnswerBelief
from penstock.codec import take
from penstock.errors import InputError, TableError
from penstock.estimators.comparison.comparison import Comparison
from penstock.estimators.cost import CostModel, fit_cost
from penstock.estimators.crossfit import cell_weights
from penstock.estimators.embeddings import Embedder, EmbeddingEncoder
from penstock.estimators.ex_ante.encoder import ScoringEncoder, TextModel
from penstock.estimators.features import Encoder, Inputs, fit_encoder
from penstock.estimators.post_hoc.base import Before, BeliefPart, PostHocData, whole
from penstock.estimators.recorded import RecordedAnswers
from penstock.fitting.select_candidates import complete_rows
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import folds, groups_of, task_out_splits
from penstock.registry import Room
from penstock.state import draw_of
from penstock.types import BoolArray, FloatArray, IntArray

LEAST_ROWS = 20


@dataclass(frozen=True)
class TrainingData:
    """All n rows of an outcome matrix with what every estimator shares."""

    inputs: Inputs
    quality: FloatArray
    """(n, k) true, the mean over a cell's samples; NaN where missing."""
    cost: FloatArray
    """(n, k) true."""
    weight: FloatArray
    """(n, k), 0 where a cell is missing."""
    fold: IntArray
    """(n,) the fold a row is held out in."""
    draw: FloatArray
    """(n,) each query's uniform number."""
    tuning: BoolArray
    """(n,) the complete rows, which alone are tuned on."""
    cluster: IntArray
    """What tuning rows are resampled by."""
    expected_cost: FloatArray
    """(n, k) from cost models of the other folds."""
    answers: tuple[RecordedAnswers, ...]
    """For every draw of the samples."""
    drawn: tuple[FloatArray, ...]
    """(n, k) the quality of those very answers, for every draw."""
    comparison: Comparison | None
    """Which answers are the same; None where agreement says nothing, or nobody goes by it."""
    encoder: Encoder
    cost_model: CostModel
    best: int
    """The best fixed candidate's column."""
    seconds: float

    @property
    def tuned_quality(self) -> FloatArray:
        """True qualities of the tuning rows."""
        return self.quality[self.tuning]

    @property
    def tuned_cost(self) -> FloatArray:
        """True costs of the tuning rows."""
        return self.cost[self.tuning]

    def tuned_drawn(self, draw: int) -> FloatArray:
        """Qualities of the answers drawn on the tuning rows: what a policy that looks at them gets."""
        return self.drawn[draw][self.tuning]

    def before(self, ex_ante: FloatArray) -> Before:
        """What is known of all rows with out-of-fold estimates ``ex_ante`` (n, k)."""
        return Before(ex_ante, self.expected_cost, self.draw, self.inputs)

    def unmoved(self, ex_ante: FloatArray) -> tuple[BeliefPart, ...]:
        """Beliefs about tuning rows that no answer changes: for policies that go by none."""
        belief = OwnAnswerBelief(ex_ante, ex_ante, self.expected_cost, self.draw)
        return whole(take(belief, self.tuning), int(self.tuning.sum()))

    def no_beliefs(self) -> tuple[BeliefPart, ...]:
        """For fixed policies, which look at nothing."""
        return self.unmoved(np.zeros_like(self.quality))

    def post_hoc(self, ex_ante: FloatArray) -> PostHocData:
        """What estimates after the call are fitted on, starting from out-of-fold ``ex_ante`` (n, k)."""
        return PostHocData(
            before=self.before(ex_ante),
            answers=self.answers,
            quality=self.drawn,
            weight=self.weight,
            fold=self.fold,
            tuning=self.tuning,
            cluster=self.cluster,
            comparison=self.comparison,
        )


def prepare_data(
    matrix: OutcomeMatrix,
    best_fixed: str,
    settings: FitSettings,
    text_model: TextModel | None = None,
    embedder: Embedder | None = None,
) -> TrainingData:
    """Read prompts, learn features and costs, deal folds.

    TableError where too few rows are complete; InputError for a text model and an embedder together, and
    where answers are to be compared by an embedder and there is none.
    """
    started = perf_counter()
    if text_model is not None and embedder is not None:
        raise InputError(
            "a router reads prompts with a trained text model or with an embedder, not with both",
            field="--embeddings",
            hint="Leave one of them out",
        )
    tuning = complete_rows(matrix)
    if int(tuning.sum()) < LEAST_ROWS:
        raise TableError(
            f"only {int(tuning.sum())} of {len(matrix)} queries were answered, scored and costed by all of "
            f"{', '.join(matrix.candidates)}; at least {LEAST_ROWS} are needed",
            hint="Collect more, or name fewer candidates with --candidates",
        )
    encoder = fit_encoder(
        matrix.queries, features=settings.features, directions=settings.directions, seed=settings.seed
    )
    if text_model is not None:
        encoder = ScoringEncoder.over(encoder, text_model)
    if embedder is not None:
        encoder = EmbeddingEncoder.over(encoder, embedder, matrix.queries)
    cluster = _clusters(matrix, settings)
    inputs = replace(encoder.encode(matrix.queries), block=cluster)
    fold = _folds(matrix, settings)
    if len(np.unique(fold)) < 2:
        raise TableError(
            f"the {len(matrix)} queries are variants or turns of too few questions to hold some out",
            hint="Estimates are tested on questions they were not fitted on: collect more questions",
        )
    weight = cell_weights(matrix.quality, matrix.propensity)
    cost_model, expected_cost = fit_cost(inputs, matrix.cost, weight, fold, seed=settings.seed)
    replicates = matrix.replicates if settings.looks else matrix.replicates[:1]
    return TrainingData(
        inputs=inputs,
        quality=matrix.quality,
        cost=matrix.cost,
        weight=weight,
        fold=fold,
        draw=np.array([draw_of(q.id, settings.seed) for q in matrix.queries]),
        tuning=tuning,
        cluster=cluster[tuning],
        expected_cost=expected_cost,
        answers=tuple(RecordedAnswers.of(r) for r in replicates),
        drawn=tuple(r.drawn_quality for r in replicates),
        comparison=_comparison(matrix, settings, embedder),
        encoder=encoder,
        cost_model=cost_model,
        best=matrix.candidates.index(best_fixed),
        seconds=perf_counter() - started,
    )


def _comparison(matrix: OutcomeMatrix, settings: FitSettings, embedder: Embedder | None) -> Comparison | None:
    """How answers are compared; None where agreement says nothing, or nobody asks for it."""
    if not settings.policies_by(GoesBy.AGREEMENT) or len(matrix.candidates) < 2:
        return None
    kind: type[Comparison] = registry.find(Room.COMPARISON, settings.compare, field="--compare")
    return kind.choose(matrix, embedder)


def _folds(matrix: OutcomeMatrix, settings: FitSettings) -> IntArray:
    count = settings.folds_of(len(matrix))
    if settings.fold_by == "group":
        return folds(matrix.queries, count, settings.seed)
    fold = np.zeros(len(matrix), dtype=np.int64)
    for number, (_, held) in enumerate(task_out_splits(matrix.queries, count, settings.seed)):
        fold[held] = number
    return fold


def _clusters(matrix: OutcomeMatrix, settings: FitSettings) -> IntArray:
    """Rows that stand or fall together: of one question, or of one task where tasks are what is sampled."""
    by_task = settings.fold_by == "task"
    keys = [q.task or "" for q in matrix.queries] if by_task else groups_of(matrix.queries)
    return np.unique(keys, return_inverse=True)[1]
