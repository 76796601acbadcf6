"""One small regression per (predicted candidate, executed set): the published estimators of paper C.

Sets are fitted when they are first asked for. Every set has one fit on all fitting rows, for queries not
seen before, and one per fold, from which out-of-fold estimates of the fitting rows come: what policies are
tuned on, and what covariances are taken of (docs/references.md, defect 14).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from penstock.answers.published_features import Answers
from penstock.codec import SHARED
from penstock.core.executed_sets import everybody, members
from penstock.core.posterior_shift import move_covariance, shift_sqrt_of
from penstock.errors import InputError
from penstock.estimators.post_hoc.set_features import SetFeatures, SetRows
from penstock.estimators.post_hoc.set_regression import Regression, fit_regression
from penstock.types import FloatArray, IntArray

_WHOLE = -1
"""The number of the fit on all rows, among folds."""


@dataclass(frozen=True)
class PerSetSettings:
    """``max_depth``: sets of more candidates are not fitted, but for the full one. ``refine``: the ex-ante
    estimate is a feature (docs/references.md); off, as published. ``others``: what the other executed
    candidates' log-probabilities say is a feature too. ``penalties``: of the logistic regressions, one
    chosen by inner folds where there are several. ``diagonal``: moves as independent. ``variance_slip``:
    the reference code's variance for a standard deviation (docs/references.md, defect 4), on the diagonal.
    ``look``: what ``shift_sd`` measures, the move when the candidate runs next or when everybody has."""

    max_depth: int = 5
    refine: bool = True
    others: bool = False
    penalties: tuple[float, ...] = (3.0,)
    diagonal: bool = False
    variance_slip: bool = False
    look: Literal["next", "all"] = "next"

    def __post_init__(self) -> None:
        if self.max_depth < 1:
            raise InputError(f"the depth cap must be at least 1, not {self.max_depth}", field="max_depth")


PUBLISHED = PerSetSettings(refine=False, diagonal=False, look="all")
"""The features and covariances of the paper's practical benchmarks, cross-fitted."""


@dataclass(frozen=True)
class PerSet:
    """Fitted, or rather: fitted as far as it has been asked. ``rows`` are the n fitting rows."""

    rows: SetRows
    quality: FloatArray
    weight: FloatArray
    fold: IntArray
    settings: PerSetSettings
    features: SetFeatures
    seed: int
    _fits: dict[tuple[int, int], tuple[Regression, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _moves: dict[tuple[int, int], tuple[FloatArray, FloatArray]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def count(self) -> int:
        """k."""
        return int(self.quality.shape[1])

    def estimate(self, executed: int, rows: SetRows) -> FloatArray:
        """(m, k) expected quality on queries that were not fitted on."""
        return predict_set(self._fit(executed, _WHOLE), rows, executed)

    def out_of_fold(self, executed: int, index: IntArray | None = None) -> FloatArray:
        """(m, k) estimates of fitting rows (None: all) by the regressions that have not seen them."""
        chosen = np.arange(len(self.rows)) if index is None else index
        estimates = np.zeros((len(chosen), self.count))
        for f in np.unique(self.fold[chosen]).tolist():
            held = self.fold[chosen] == f
            estimates[held] = predict_set(self._fit(executed, f), self.rows.rows(chosen[held]), executed)
        return estimates

    def covariance(self, executed: int, then: int | None = None) -> FloatArray:
        """(k, k) ``Cov(q^executed - q^then)`` of out-of-fold estimates; ``then`` None: after everybody."""
        return self._moved(executed, then)[1]

    def drift(self, executed: int, then: int | None = None) -> FloatArray:
        """(k,) mean of ``q^executed - q^then``: about 0 where the covariance means what it says (E5)."""
        return self._moved(executed, then)[0]

    def shift_sqrt(self, executed: int) -> FloatArray:
        """(k, k) square root of the covariance of the moves still to come; rows of executed ones 0."""
        s = self.settings
        ran = members(executed, self.count)
        if len(ran) == self.count:
            return np.zeros((self.count, self.count))
        return shift_sqrt_of(
            self.covariance(executed), ran, diagonal=s.diagonal, variance_slip=s.variance_slip
        )

    def shift_sd(self, executed: int) -> FloatArray:
        """(k,) standard deviation of the move of each candidate that has not run, by ``settings.look``.

        Where the candidate's next set is beyond the depth cap: the move when everybody has run.
        """
        k, s = self.count, self.settings
        ran = members(executed, k)
        variance = np.zeros(k)
        for i in np.setdiff1d(np.arange(k), ran).tolist():
            then = executed | 1 << i if s.look == "next" and len(ran) < s.max_depth else everybody(k)
            variance[i] = self.covariance(executed, then)[i, i]
        return variance if s.variance_slip else np.sqrt(variance)

    def regressions(self, executed: int) -> tuple[Regression, ...]:
        """k, fitted on all rows."""
        return self._fit(executed, _WHOLE)

    def on(self, rows: SetRows) -> PerSetEstimates:
        """The estimates of queries that were not fitted on."""
        return PerSetEstimates(self, rows)

    def on_fitting_rows(self, index: Iterable[int] | None = None) -> PerSetEstimates:
        """The out-of-fold estimates of fitting rows (None: all): what policies are tuned on."""
        chosen = np.arange(len(self.rows)) if index is None else np.asarray(index, dtype=np.int64)
        return PerSetEstimates(self, self.rows.rows(chosen), chosen)

    def _moved(self, executed: int, then: int | None) -> tuple[FloatArray, FloatArray]:
        later = everybody(self.count) if then is None else then
        key = (executed, later)
        if key not in self._moves:
            full = np.flatnonzero(self.rows.answers.asked.all(axis=1))
            now, after = self.out_of_fold(executed, full), self.out_of_fold(later, full)
            covariance = move_covariance(now, after)
            self._moves[key] = ((now - after).mean(axis=0), covariance)
        return self._moves[key]

    def _fit(self, executed: int, fold: int) -> tuple[Regression, ...]:
        self._reachable(executed)
        key = (executed, fold)
        if key not in self._fits:
            part = np.flatnonzero(self.fold != fold)
            rows, quality, weight = self.rows.rows(part), self.quality[part], self.weight[part]
            self._fits[key] = tuple(
                fit_regression(
                    self.features,
                    rows,
                    quality[:, i],
                    weight[:, i],
                    column=i,
                    executed=executed,
                    penalties=self.settings.penalties,
                    seed=self.seed,
                )
                for i in range(self.count)
            )
        return self._fits[key]

    def _reachable(self, executed: int) -> None:
        size = len(members(executed, self.count))
        if self.settings.max_depth < size < self.count:
            raise InputError(
                f"a set of {size} candidates lies beyond the depth cap of {self.settings.max_depth}",
                field="max_depth",
                hint="give the policy the same cap, or fit with a larger one",
            )


@dataclass(frozen=True)
class PerSetEstimates:
    """``SetEstimates`` of the queries of ``rows``; ``fitting`` numbers the fitting rows they are, None
    where they were not fitted on."""

    model: PerSet = field(metadata=SHARED)
    rows: SetRows
    fitting: IntArray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(n, k)."""
        return len(self.rows), self.model.count

    def estimate(self, executed: int, rows: IntArray | None = None) -> FloatArray:
        """(m, k) expected quality; see ``SetEstimates``."""
        if self.fitting is not None:
            return self.model.out_of_fold(executed, self.fitting if rows is None else self.fitting[rows])
        return self.model.estimate(executed, self.rows if rows is None else self.rows.rows(rows))

    def shift_sd(self, executed: int) -> FloatArray:
        """(k,)."""
        return self.model.shift_sd(executed)

    def shift_sqrt(self, executed: int) -> FloatArray:
        """(k, k)."""
        return self.model.shift_sqrt(executed)


def fit_per_set(
    answers: Answers,
    ex_ante: FloatArray,
    quality: FloatArray,
    weight: FloatArray,
    fold: IntArray,
    *,
    task: NDArray[np.str_] | None = None,
    settings: PerSetSettings = PerSetSettings(),
    seed: int = 0,
) -> PerSet:
    """Prepare the regressions of n rows: cross-fitted ``ex_ante`` (n, k), true ``quality`` (n, k; NaN where
    missing), ``weight`` (n, k; 0 where missing), ``fold`` (n,) >= 0 with at least two folds.

    Raises InputError where shapes disagree or no row can be held out.
    """
    rows = SetRows.of(answers, ex_ante, task)
    if quality.shape != ex_ante.shape or weight.shape != ex_ante.shape or fold.shape != (len(rows),):
        raise InputError(f"quality, weight and fold do not belong to estimates of shape {ex_ante.shape}")
    if len(np.unique(fold)) < 2 or fold.min() < 0:
        raise InputError("out-of-fold estimates need at least two folds, numbered from 0", field="fold")
    names = tuple(sorted(set(rows.task.tolist())))
    features = SetFeatures(names if len(names) > 1 else (), settings.refine, settings.others)
    return PerSet(rows, quality, weight, fold, settings, features, seed)


def predict_set(fitted: tuple[Regression, ...], rows: SetRows, executed: int) -> FloatArray:
    """(m, k); an executed candidate that did not answer is worth 0 (docs/decisions/0012)."""
    k = len(fitted)
    estimates = np.stack([fitted[i].predict(rows) for i in range(k)], axis=1)
    ran = members(executed, k)
    estimates[:, ran] = np.where(rows.answers.answered[:, ran], estimates[:, ran], 0.0)
    return estimates
