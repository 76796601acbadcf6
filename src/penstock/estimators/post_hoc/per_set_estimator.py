"""Per-set re-estimation as an estimate after the call (De Koninck et al. 2025): one regression per candidate
and executed set, so that an answer moves the estimates of all candidates, run or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from penstock.answers.equivalence import normal_form, numbered
from penstock.answers.published_features import Answers, observe_answers, published_features
from penstock.belief import Answered, Belief, Observation
from penstock.codec import SHARED
from penstock.errors import InputError
from penstock.estimators.comparison.choose_form import normaliser
from penstock.estimators.comparison.comparison import ByForm
from penstock.estimators.post_hoc.base import (
    Before,
    CrossfitPostHoc,
    FittedPostHoc,
    PostHocData,
    PostHocEstimator,
    whole,
)
from penstock.estimators.post_hoc.per_set import PerSet, PerSetSettings, fit_per_set, predict_set
from penstock.estimators.post_hoc.set_belief import SetBelief
from penstock.estimators.post_hoc.set_features import SetRows
from penstock.estimators.post_hoc.set_regression import Regression
from penstock.estimators.recorded import RecordedAnswers
from penstock.registry import register
from penstock.state import State
from penstock.types import BoolArray, FloatArray, IntArray, Status

MOST = 6
"""Candidates: a router stores the regressions of all their 2^k sets."""
FORM = "stated_answer"
"""The normal form answers agree by where a fit found no better one."""


@register("post_hoc", "per_set")
@dataclass(frozen=True)
class PerSetEstimator(PostHocEstimator):
    """One regression per predicted candidate and executed set, as in De Koninck and others (2025).

    ``refine``: the ex-ante estimate is a feature of every regression; off, as published.
    """

    refine: bool = True

    def fit(self, data: PostHocData, *, seed: int) -> FittedPerSet:
        return _stored(self._regressions(data, seed), _form(data))

    def crossfit(
        self, data: PostHocData, earlier: Mapping[str, CrossfitPostHoc], *, seed: int, threads: int
    ) -> CrossfitPostHoc:
        """Out-of-fold estimates come from the regressions' own folds; one draw of the samples is looked
        at."""
        model = self._regressions(data, seed)
        tuning = np.flatnonzero(data.tuning)
        belief = SetBelief(
            model.on_fitting_rows(tuning.tolist()),
            data.before.cost[tuning],
            data.before.draw[tuning],
            refused=~data.answers[0].answered[tuning],
            confidence=data.answers[0].confidence[tuning],
        )
        return CrossfitPostHoc(_stored(model, _form(data)), (whole(belief, len(tuning)),))

    def _regressions(self, data: PostHocData, seed: int) -> PerSet:
        k = data.before.quality.shape[1]
        if k > MOST:
            raise InputError(
                f"per_set keeps a regression for every set of candidates, and {k} have {1 << k} sets",
                field="--post-hoc",
                hint=f"Name at most {MOST} with --candidates",
            )
        settings = PerSetSettings(max_depth=k, refine=self.refine)
        answers = observe_answers(data.answers[0], normaliser(_form(data)))
        task = data.before.inputs.task
        return fit_per_set(
            answers,
            data.before.quality,
            data.quality[0],
            data.weight,
            data.fold,
            task=task,
            settings=settings,
            seed=seed,
        )


@register("fitted_post_hoc", "per_set")
@dataclass(frozen=True)
class FittedPerSet(FittedPostHoc):
    """The regressions of every executed set (by its bit mask, k each), how far estimates shift from it
    (``shift_sd`` (2^k, k), ``shift_sqrt`` (2^k, k, k)), and the normal form that answers agree by."""

    regressions: tuple[tuple[Regression, ...], ...]
    shift_sd: FloatArray
    shift_sqrt: FloatArray
    normal_form: str

    def believe(self, before: Before, answers: RecordedAnswers | None = None) -> Belief:
        n, k = before.quality.shape
        seen = (
            Answers.none(n, k) if answers is None else observe_answers(answers, normaliser(self.normal_form))
        )
        rows = SetRows.of(seen, before.quality, before.inputs.task)
        estimates = StoredEstimates(self, rows)
        if answers is None:
            belief = SetBelief(estimates, before.cost, before.draw)
            return LivePerSetBelief(belief, rows, self.normal_form)
        refused, confidence = ~answers.answered, answers.confidence
        return SetBelief(estimates, before.cost, before.draw, refused=refused, confidence=confidence)


@dataclass(frozen=True)
class StoredEstimates:
    """``executed_sets.SetEstimates`` of the queries of ``rows``."""

    model: FittedPerSet = field(metadata=SHARED)
    rows: SetRows

    @property
    def shape(self) -> tuple[int, int]:
        """(n, k)."""
        n, k = self.rows.ex_ante.shape
        return n, k

    def estimate(self, executed: int, rows: IntArray | None = None) -> FloatArray:
        """(m, k) expected quality of all candidates on m of the queries."""
        chosen = self.rows if rows is None else self.rows.rows(rows)
        return predict_set(self.model.regressions[executed], chosen, executed)

    def shift_sd(self, executed: int) -> FloatArray:
        """(k,)."""
        shift_sd: FloatArray = self.model.shift_sd[executed]
        return shift_sd

    def shift_sqrt(self, executed: int) -> FloatArray:
        """(k, k)."""
        shift_sqrt: FloatArray = self.model.shift_sqrt[executed]
        return shift_sqrt


@dataclass(frozen=True)
class LivePerSetBelief:
    """The same of live queries: what comes is written where a table's answers would stand."""

    belief: SetBelief
    rows: SetRows
    normal_form: str = field(metadata=SHARED)
    forms: dict[tuple[int, int], str | None] = field(default_factory=dict, metadata=SHARED)

    def begin(self, eligible: BoolArray | None = None) -> State:
        """Nobody has answered."""
        return self.belief.begin(eligible)

    def observe(self, state: State, seen: Observation) -> State:
        """Read what came, then estimate everybody anew."""
        if isinstance(seen, Answered) and seen.answers is not None:
            read, known = normaliser(self.normal_form), self.rows.answers
            items = zip(seen.rows.tolist(), seen.columns.tolist(), seen.answers, strict=True)
            for row, column, answer in items:
                form = normal_form(answer, read)
                self.forms[row, column] = form
                known.asked[row, column] = True
                known.answered[row, column] = answer.status is Status.ANSWERED
                if known.answered[row, column]:
                    known.own[row, column] = published_features(answer, form)
                columns = sorted(j for i, j in self.forms if i == row)
                known.codes[row, columns] = numbered([self.forms[row, j] for j in columns])
        return self.belief.observe(state, seen)


def _form(data: PostHocData) -> str:
    return data.comparison.normal_form if isinstance(data.comparison, ByForm) else FORM


def _stored(model: PerSet, form: str) -> FittedPerSet:
    sets = range(1 << model.count)
    return FittedPerSet(
        tuple(model.regressions(executed) for executed in sets),
        np.stack([model.shift_sd(executed) for executed in sets]),
        np.stack([model.shift_sqrt(executed) for executed in sets]),
        form,
    )
