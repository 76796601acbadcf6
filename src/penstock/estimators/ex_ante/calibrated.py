"""Calibrating estimates on rows of their own: isotonic regression or Platt's logistic curve.

A member is fitted on most of the rows; the rest, which it has not seen, show what share of answers is right
where it says 0.7. The shape of the curve comes from those rows, the level from all of them. Routing compares
candidates, so a curve is worth having where estimates are to be read as probabilities, and seldom where they
are only compared: it is an option (``ridge+isotonic``), not a default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.means import weighted_means
from penstock.errors import InputError, MissingExtra
from penstock.estimators.base import Estimator, Fitted
from penstock.estimators.ex_ante.linear import FittedLinear, Logistic, logit, sigmoid
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import BoolArray, FloatArray

METHODS = ("isotonic", "platt")
LEAST_CELLS = 50
"""A candidate with fewer cells on the calibration rows uses the curve of all candidates."""
_EDGE = 1e-3
_PENALTY = 0.1
_POINTS = 201


@dataclass(frozen=True)
class Calibrated:
    """``member`` calibrated by ``method`` on ``share`` of the rows, whole blocks at a time."""

    member: Estimator
    method: str = "isotonic"
    share: float = 0.25

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"must be one of {', '.join(METHODS)}, not {self.method!r}", field="calibration")
        if not 0.0 < self.share <= 0.5:
            raise InputError(f"must lie above 0 and at most at 0.5, not {self.share}", field="share")

    @property
    def name(self) -> str:
        return f"{self.member.name}+{self.method}"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        held = inputs.fold(max(2, round(1 / self.share)), seed) == 0
        if held.all():
            held = np.zeros(len(inputs), dtype=bool)  # one block only: nothing to calibrate on
        rows = np.flatnonzero(~held)
        member = self.member.fit(inputs.rows(rows), quality[rows], weight[rows], seed=seed)
        said = member.predict(inputs)
        curves = self._curves(said[held], quality[held], weight[held])
        seen = weight.sum(axis=0) > 0
        level = weighted_means(_shaped(curves, said), weight)
        return FittedCalibrated(
            member, curves, np.where(seen, weighted_means(quality, weight) - level, 0.0), seen
        )

    def _curves(
        self, said: FloatArray, quality: FloatArray, weight: FloatArray
    ) -> tuple[CalibrationCurve, ...]:
        """One curve per candidate."""
        cells = weight > 0
        everyone = self._curve(said[cells], quality[cells], weight[cells])
        return tuple(
            self._curve(said[own, j], quality[own, j], weight[own, j])
            if own.sum() >= LEAST_CELLS
            else everyone
            for j, own in enumerate(cells.T)
        )

    def _curve(self, said: FloatArray, quality: FloatArray, weight: FloatArray) -> CalibrationCurve:
        """From one-dimensional arrays; the identity where there is nothing to go by."""
        if len(said) < 2:
            return CalibrationCurve(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
        return (
            _isotonic(said, quality, weight) if self.method == "isotonic" else _platt(said, quality, weight)
        )


@dataclass(frozen=True)
class CalibrationCurve:
    """Straight lines between knots: rising ``at`` (m,) and what they become, ``value`` (m,)."""

    at: FloatArray
    value: FloatArray

    def __call__(self, said: FloatArray) -> FloatArray:
        return np.interp(said, self.at, self.value)


@register("fitted_estimator", "calibrated")
@dataclass(frozen=True)
class FittedCalibrated(Fitted):
    """A fitted ``member``, one curve and one ``shift`` (k,) per candidate; one never ``seen`` (k,) keeps what
    the member says."""

    member: Fitted
    curves: tuple[CalibrationCurve, ...]
    shift: FloatArray
    seen: BoolArray

    def predict(self, inputs: Inputs) -> FloatArray:
        said = self.member.predict(inputs)
        calibrated = np.clip(_shaped(self.curves, said) + self.shift, 0.0, 1.0)
        return np.where(self.seen, calibrated, said)


def _shaped(curves: tuple[CalibrationCurve, ...], said: FloatArray) -> FloatArray:
    return np.stack([curve(said[:, j]) for j, curve in enumerate(curves)], axis=1)


def _isotonic(said: FloatArray, quality: FloatArray, weight: FloatArray) -> CalibrationCurve:
    """The best non-decreasing step function (pool adjacent violators), lines between its steps."""
    try:
        from sklearn.isotonic import IsotonicRegression
    except ImportError as error:
        raise MissingExtra("fit", "isotonic calibration") from error
    model = IsotonicRegression(out_of_bounds="clip").fit(said, quality, sample_weight=weight)
    return CalibrationCurve(np.asarray(model.X_thresholds_, float), np.asarray(model.y_thresholds_, float))


def _platt(said: FloatArray, quality: FloatArray, weight: FloatArray) -> CalibrationCurve:
    """Logistic in the logit of what was said (Platt 1999), as lines between points of the curve."""
    odds = logit(said, _EDGE)[:, None]
    inputs = Inputs(odds, said, np.full(len(said), "", dtype=np.str_))
    fitted = Logistic((_PENALTY,)).fit(inputs, quality[:, None], weight[:, None], seed=0)
    assert isinstance(fitted, FittedLinear)
    at = np.linspace(0.0, 1.0, _POINTS)
    return CalibrationCurve(
        at, sigmoid(logit(at, _EDGE) * max(float(fitted.coefficients[0, 0]), 0.0) + fitted.intercept[0])
    )
