"""One joint Gaussian over the quality of all candidates and everything that may be seen of a query.

Signals: every candidate's ex-ante estimate, known from the start; its own-answer post-hoc estimate, known
once it has run; and, for every pair of candidates, whether they gave the same answer, known once both have
run. Conditioning on what an executed set shows gives every state's mean and covariance, so estimates of
later states average to those of earlier ones by construction (docs/references.md, correction 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.research.gaussian import regression
from benchmarks.research.joint_signals import Signals
from penstock.core.executed_sets import everybody, members
from penstock.core.posterior_shift import shift_sqrt_of
from penstock.errors import InputError
from penstock.types import FloatArray, IntArray


@dataclass(frozen=True)
class JointGaussian:
    """``mean`` (k + p,) and ``covariance`` of the k qualities and the p signals, in that order; ``shrinkage``
    in [0, 1]: the share by which correlations were shrunk towards none; ``rows`` it was fitted on."""

    count: int
    mean: FloatArray
    covariance: FloatArray
    shrinkage: float
    rows: int
    _known: dict[tuple[int, ...], tuple[FloatArray, FloatArray]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def estimate(self, executed: int, signals: Signals) -> FloatArray:
        """(n, k) expected quality in [0, 1] given what the set shows; 0 for one that ran and did not answer.

        Near certainty ``unclipped`` means overshoot and are cut, which flattens later estimates a little:
        the price of a law that is linear where quality is a probability.
        """
        estimates = np.clip(self.unclipped(executed, signals), 0.0, 1.0)
        ran = members(executed, self.count)
        estimates[:, ran] = np.where(signals.answered[:, ran], estimates[:, ran], 0.0)
        return estimates

    def unclipped(self, executed: int, signals: Signals) -> FloatArray:
        """(n, k) conditional means of the qualities; a signal that is missing (NaN) is not conditioned on."""
        k = self.count
        means = np.empty((len(signals), k))
        for columns, rows in signals.known(executed):
            surprise = signals.values[np.ix_(rows, columns)] - self.mean[k + columns]
            means[rows] = self.mean[:k] + surprise @ self._given(columns)[0].T
        return means

    def moves(self, executed: int, then: int | None, signals: Signals) -> FloatArray:
        """(k, k) ``Cov(E[q | then] - E[q | executed])`` = ``Sigma_q|executed - Sigma_q|then``; PSD up to
        rounding. ``then`` None: everybody has run."""
        later = everybody(self.count) if then is None else then
        now, after = (self._given(signals.seen(s))[1] for s in (executed, later))
        return now - after

    def shift_sqrt(self, executed: int, signals: Signals) -> FloatArray:
        """(k, k) square root of the moves still to come; rows of executed candidates 0."""
        return shift_sqrt_of(self.moves(executed, None, signals), members(executed, self.count))

    def shift_sd(self, executed: int, signals: Signals) -> FloatArray:
        """(k,) standard deviation of each candidate's move when it runs next; 0 once it has."""
        shift_sd = np.zeros(self.count)
        for i in np.setdiff1d(np.arange(self.count), members(executed, self.count)).tolist():
            shift_sd[i] = np.sqrt(max(self.moves(executed, executed | 1 << i, signals)[i, i], 0.0))
        return shift_sd

    def condition(self, executed: int, signals: Signals) -> tuple[FloatArray, FloatArray]:
        """``(estimate, shift_sqrt)``: (n, k) means and the (k, k) square root of the moves still to come."""
        return self.estimate(executed, signals), self.shift_sqrt(executed, signals)

    def on(self, signals: Signals) -> JointEstimates:
        """The estimates of queries that were not fitted on."""
        return JointEstimates((self,), signals, np.zeros(len(signals), dtype=np.int64))

    def _given(self, columns: IntArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients (k, m) of the qualities on m signals, and their covariance (k, k) given those."""
        key = tuple(columns.tolist())
        if key not in self._known:
            k = self.count
            seen = np.zeros(len(self.mean), dtype=bool)
            seen[k + columns] = True
            # the qualities are the first k of the unseen variables
            gain = regression(self.covariance, seen)[:k][:, np.argsort(np.argsort(columns))]
            explained = gain @ self.covariance[np.ix_(k + columns, np.arange(k))]
            self._known[key] = (gain, self.covariance[:k, :k] - explained)
        return self._known[key]


@dataclass(frozen=True)
class JointEstimates:
    """``SetEstimates`` of n queries: ``models[which[i]]`` speaks of query i, and the first one's
    covariances stand for all."""

    models: tuple[JointGaussian, ...]
    signals: Signals
    which: IntArray

    @property
    def shape(self) -> tuple[int, int]:
        """(n, k)."""
        return len(self.signals), self.signals.count

    def estimate(self, executed: int, rows: IntArray | None = None) -> FloatArray:
        """(m, k) expected quality; see ``SetEstimates``."""
        chosen = np.arange(len(self.signals)) if rows is None else rows
        estimates = np.zeros((len(chosen), self.signals.count))
        for number in np.unique(self.which[chosen]).tolist():
            part = self.which[chosen] == number
            estimates[part] = self.models[number].estimate(executed, self.signals.rows(chosen[part]))
        return estimates

    def shift_sd(self, executed: int) -> FloatArray:
        """(k,)."""
        return self.models[0].shift_sd(executed, self.signals)

    def shift_sqrt(self, executed: int) -> FloatArray:
        """(k, k)."""
        return self.models[0].shift_sqrt(executed, self.signals)


def fit_joint(signals: Signals, quality: FloatArray, *, shrinkage: float | None = None) -> JointGaussian:
    """Means and shrunk covariance of n rows of cross-fitted ``signals`` and true ``quality`` (n, k).

    Covariances are those of complete rows, means those of all known cells. ``shrinkage`` None: the amount
    that minimises the expected squared error of the correlations (Ledoit and Wolf 2004; Schäfer and
    Strimmer 2005, target D). Raises InputError with fewer than two complete rows.
    """
    if quality.shape != signals.answered.shape:
        raise InputError(f"quality of shape {quality.shape} does not belong to {signals.answered.shape}")
    if shrinkage is not None and not 0.0 <= shrinkage <= 1.0:
        raise InputError(f"shrinkage is a share, not {shrinkage}", field="shrinkage")
    values = np.concatenate([quality, signals.values], axis=1)
    complete = values[~np.isnan(values).any(axis=1)]
    if len(complete) < 2:
        raise InputError(
            f"{len(complete)} queries have a quality and an answer of every candidate; a covariance takes 2",
            hint="Collect more complete rows, or name fewer candidates",
        )
    known = ~np.isnan(values)
    mean = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    deviation = complete.std(axis=0)
    standard = (complete - complete.mean(axis=0)) / np.where(deviation > 1e-9, deviation, np.inf)
    correlation = standard.T @ standard / len(complete)
    share = _best_shrinkage(standard, correlation) if shrinkage is None else shrinkage
    shrunk = (1.0 - share) * correlation
    np.fill_diagonal(shrunk, 1.0)
    return JointGaussian(
        quality.shape[1], mean, shrunk * np.outer(deviation, deviation), share, len(complete)
    )


def crossfit_joint(
    signals: Signals,
    quality: FloatArray,
    fold: IntArray,
    *,
    index: Iterable[int] | None = None,
    shrinkage: float | None = None,
) -> JointEstimates:
    """Out-of-fold estimates of fitting rows (``index``; None: all): what policies are tuned on.

    Covariances of moves are the ones of the fit on all rows, as they are for queries not seen before.
    """
    chosen = np.arange(len(signals)) if index is None else np.asarray(index, dtype=np.int64)
    numbers, which = np.unique(fold, return_inverse=True)
    if len(numbers) < 2:
        raise InputError("out-of-fold estimates need at least two folds", field="fold")
    whole = fit_joint(signals, quality, shrinkage=shrinkage)
    models = [
        fit_joint(signals.rows(fold != f), quality[fold != f], shrinkage=shrinkage) for f in numbers.tolist()
    ]
    return JointEstimates((whole, *models), signals.rows(chosen), which[chosen] + 1)


def _best_shrinkage(standard: FloatArray, correlation: FloatArray) -> float:
    """Sum of the sampling variances of the correlations over the sum of their squares."""
    n = len(standard)
    squared = (standard**2).T @ (standard**2) / n
    variance = (squared - correlation**2) / n
    off = ~np.eye(len(correlation), dtype=bool)
    total = float((correlation[off] ** 2).sum())
    return float(np.clip(variance[off].sum() / total, 0.0, 1.0)) if total > 0 else 1.0
