"""What answers add to estimates made before them, fitted and cross-fitted on fitting rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from penstock.answers.features import Observations, joined
from penstock.core.resample import standard_errors
from penstock.estimators.base import log_loss
from penstock.estimators.post_hoc.logistic import OwnAnswer, crossfit_own_answer, fit_own_answer, look
from penstock.estimators.post_hoc.text_verifier import Reader, fit_reader
from penstock.fitting.training_data import FittingRows
from penstock.types import FloatArray, IntArray

LEAST_GAIN = 1.0
"""In standard errors: how much the words of answers have to tell beside all other signs to be read."""


def fit_post_hoc(
    ex_ante: FloatArray, rows: FittingRows, seed: int
) -> tuple[tuple[FloatArray, ...], OwnAnswer | None]:
    """Out-of-fold estimates (n, k) after the answers of every showing of ``rows``, from cross-fitted
    ``ex_ante`` (n, k), and the model of all rows; None where answers show nothing.

    Answers' words are read where that lowers the out-of-fold log loss by more than a standard error.
    """
    showings = rows.showings
    observed = [r.seen for r in showings if r.seen is not None]
    if not observed:
        return (ex_ante,) * len(showings), None
    shown = _Shown.of(ex_ante, rows, joined(observed))
    estimates, reader = shown.estimates(seed), None
    read = shown.read(seed)
    if read is not None:
        reading = replace(shown, seen=shown.seen.reading(read[1]))
        after = reading.estimates(seed)
        if shown.better(after, estimates):
            shown, estimates, reader = reading, after, read[0]
    model = fit_own_answer(shown.ex_ante, shown.seen, shown.quality, shown.weight, seed=seed)
    told = look(shown.ex_ante, estimates, shown.weight)
    return tuple(np.split(estimates, len(showings))), replace(model, look=told, reader=reader)


@dataclass(frozen=True)
class _Shown:
    """Every showing of n fitting rows one after another: m = n x showings rows."""

    rows: FittingRows
    ex_ante: FloatArray
    seen: Observations
    quality: FloatArray
    weight: FloatArray
    fold: IntArray

    @classmethod
    def of(cls, ex_ante: FloatArray, rows: FittingRows, seen: Observations) -> _Shown:
        times = len(rows.showings)
        return cls(
            rows,
            np.tile(ex_ante, (times, 1)),
            seen,
            np.nan_to_num(np.concatenate([r.shown for r in rows.showings])),
            np.tile(rows.weight, (times, 1)),
            np.tile(rows.fold, times),
        )

    def estimates(self, seed: int) -> FloatArray:
        """(m, k) out of fold."""
        return crossfit_own_answer(self.ex_ante, self.seen, self.quality, self.weight, self.fold, seed=seed)

    def read(self, seed: int) -> tuple[Reader, FloatArray] | None:
        """A reader of the answers' words and its out-of-fold scores (m, k)."""
        if self.seen.wording is None:
            return None
        weight = self.weight * self.seen.answered
        return fit_reader(self.ex_ante, self.seen.wording, self.quality, weight, self.fold, seed=seed)

    def better(self, one: FloatArray, other: FloatArray) -> bool:
        """Whether estimates (m, k) have less log loss than others on tuning rows, by ``LEAST_GAIN``."""
        gained = (self._loss(other) - self._loss(one)).reshape(len(self.rows.showings), -1).mean(axis=0)
        tuned = gained[self.rows.tuning]
        error = standard_errors(tuned[:, None], self.rows.cluster)[0]
        return bool(tuned.mean() > LEAST_GAIN * error)

    def _loss(self, estimates: FloatArray) -> FloatArray:
        """(m,) by row, over its answers."""
        loss = log_loss(estimates, self.quality)
        summed: FloatArray = (self.weight * self.seen.answered * loss).sum(axis=1)
        return summed
