"""The distribution of a candidate's calibrated confidence: point masses at both ends, a mixture of two Betas
between.

Confidences pile up at their extremes (a vote that is unanimous, a probability that saturates); what lies
between is smooth. So is the marginal of arXiv 2501.09345, whose mixture this is; few rows are enough for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.errors import InputError, MissingExtra
from penstock.types import FloatArray

CELLS = 128
_ROUNDS = 60
_LEAST = 1e-4


@dataclass(frozen=True, eq=False)
class Levels:
    """A confidence in cells by rising value: mean ``value`` (M,), ``lower`` end (M,) and ``below`` (M + 1,),
    the probability of everything beneath each cell, from 0 to 1."""

    value: FloatArray
    lower: FloatArray
    below: FloatArray

    @property
    def probability(self) -> FloatArray:
        """(M,) of every cell."""
        return np.diff(self.below)


@dataclass(frozen=True)
class Marginal:
    """Masses at ``low`` and ``high``; the rest is sum_i weight_i Beta(a_i, b_i) stretched between them."""

    low: float
    high: float
    low_mass: float
    high_mass: float
    weight: tuple[float, ...] = ()
    a: tuple[float, ...] = ()
    b: tuple[float, ...] = ()

    def levels(self, cells: int = CELLS) -> Levels:
        """The masses as cells of their own and ``cells`` cells of equal width between them."""
        parts = [(np.array([self.low]), np.array([self.low]), np.array([self.low_mass]))]
        if self.weight:
            parts.append(self._smooth(cells))
        parts.append((np.array([self.high]), np.array([self.high]), np.array([self.high_mass])))
        value, lower, mass = (
            np.concatenate(kind) for kind in zip(*(part for part in parts if part[2].sum() > 0), strict=True)
        )
        below = np.concatenate([[0.0], np.cumsum(mass)])
        return Levels(value, lower, below / below[-1])

    def _smooth(self, cells: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Middle, lower end and probability of the cells between the masses."""
        edges = np.linspace(0.0, 1.0, cells + 1)
        beneath = np.zeros(cells + 1)
        for weight, a, b in zip(self.weight, self.a, self.b, strict=True):
            beneath += weight * _beta_cdf(a, b, edges)
        points = self.low + (self.high - self.low) * edges
        lower = points[:-1].copy()
        lower[0] = np.nextafter(self.low, np.inf) if self.low_mass > 0 else self.low
        mass = (1.0 - self.low_mass - self.high_mass) * np.diff(beneath)
        return (points[:-1] + points[1:]) / 2, lower, mass


def fit_marginal(values: FloatArray) -> Marginal:
    """From observed confidences (n,), n >= 1. An end is a point mass where two rows or more share it."""
    if not len(values) or not np.isfinite(values).all():
        raise InputError("needs at least one row and finite numbers", field="confidence")
    low, high = float(values.min()), float(values.max())
    if low == high:
        return Marginal(low, high, 1.0, 0.0)
    at_low, at_high = values == low, values == high
    low_mass, high_mass = (float(at.mean()) if at.sum() > 1 else 0.0 for at in (at_low, at_high))
    inside = ~((at_low & (low_mass > 0)) | (at_high & (high_mass > 0)))
    if not inside.any():
        return Marginal(low, high, low_mass, high_mass)
    scaled = np.clip((values[inside] - low) / (high - low), 0.002, 0.998)
    weight, a, b = _beta_mixture(scaled)
    return Marginal(low, high, low_mass, high_mass, weight, a, b)


def _beta_mixture(x: FloatArray) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Two Betas by expectation maximisation with moments, from the halves below and above the median."""
    upper = (x > np.median(x)).astype(float)
    share = np.stack([1.0 - upper, upper]) * 0.9 + 0.05
    for _ in range(_ROUNDS):
        total = share.sum(axis=1)
        mean = np.clip(share @ x / total, _LEAST, 1 - _LEAST)
        spread = (share * (x - mean[:, None]) ** 2).sum(axis=1) / total
        # a Beta's variance is below mean (1 - mean); a floor keeps a component off a single row
        spread = np.clip(spread, 2e-4 * mean * (1 - mean), 0.95 * mean * (1 - mean))
        size = mean * (1 - mean) / spread - 1
        a, b, weight = mean * size, (1 - mean) * size, total / len(x)
        density = np.log(weight)[:, None] + _beta_log_density(a[:, None], b[:, None], x)
        share = np.exp(density - np.logaddexp(density[0], density[1]))
        share = np.clip(share, 1e-9, 1.0)
    return tuple(weight.tolist()), tuple(a.tolist()), tuple(b.tolist())


def _beta_log_density(a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
    try:
        from scipy.special import betaln
    except ImportError as error:
        raise MissingExtra("fit", "modelling confidences") from error
    density: FloatArray = (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - betaln(a, b)
    return density


def _beta_cdf(a: float, b: float, x: FloatArray) -> FloatArray:
    try:
        from scipy.special import betainc
    except ImportError as error:
        raise MissingExtra("fit", "modelling confidences") from error
    below: FloatArray = betainc(a, b, x)
    return below
