"""Candidates' qualities as a few factors: what they share, and the directions in which they differ most.

Differences between candidates decide a route and are far fainter than what makes a query hard for all of
them. Fitting each direction by itself lets each have its own penalty: a direction nothing predicts is left
at its mean instead of drowning the ones that are predictable (reduced-rank regression; Breiman & Friedman
1997, "curds and whey").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.means import weighted_means
from penstock.types import BoolArray, FloatArray


@dataclass(frozen=True)
class Residuals:
    """Qualities as deviations from the candidates' ``means`` (k,), those of the ``seen`` (k,) candidates.

    ``value`` (n, s): 0 where missing; ``weight`` (n, s); ``share`` (n, s): the weight over the largest, in
    [0, 1]; ``axes`` (s, s): orthonormal columns, the first what all seen candidates share.
    """

    means: FloatArray
    seen: BoolArray
    value: FloatArray
    weight: FloatArray
    share: FloatArray
    axes: FloatArray

    @classmethod
    def of(cls, quality: FloatArray, weight: FloatArray) -> Residuals:
        """From ``quality`` (n, k), NaN where missing, and ``weight`` (n, k)."""
        means = weighted_means(quality, weight)
        seen = weight.sum(axis=0) > 0
        used = weight[:, seen]
        value = np.where(used > 0, np.nan_to_num(quality[:, seen]) - means[seen], 0.0)
        share = used / max(float(used.max(initial=0.0)), 1e-300)
        return cls(means, seen, value, used, share, _axes(value, used))

    @property
    def complete(self) -> bool:
        """Every cell is there and counts alike."""
        return bool((self.share > 1 - 1e-12).all())

    def filled(self, over_axes: FloatArray) -> FloatArray:
        """(n, s) coordinates along the axes with every cell moved from there to what was observed, as far as
        its share goes."""
        predicted = over_axes @ self.axes.T
        filled: FloatArray = (predicted + self.share * (self.value - predicted)) @ self.axes
        return filled

    def spread(self, over_axes: FloatArray) -> FloatArray:
        """(..., s) coordinates along the axes -> (..., k), 0 for candidates never seen."""
        found = np.zeros((*over_axes.shape[:-1], len(self.seen)))
        found[..., self.seen] = over_axes @ self.axes.T
        return found


def _axes(value: FloatArray, weight: FloatArray) -> FloatArray:
    """What candidates share, then the principal directions of what they do not, strongest first."""
    s = value.shape[1]
    if s < 2:
        return np.ones((s, s))
    pairs = (weight > 0).astype(float).T @ (weight > 0)
    covariance = (value.T @ value) / np.maximum(pairs, 1.0)
    centre = np.eye(s) - 1.0 / s
    values, vectors = np.linalg.eigh(centre @ covariance @ centre)
    # the shared direction is an eigenvector of value 0 up to rounding: built by hand, then the rest
    shared = np.full((s, 1), 1.0 / np.sqrt(s))
    rest = centre @ vectors[:, np.argsort(-values, kind="stable")]
    axes, _ = np.linalg.qr(np.concatenate([shared, rest], axis=1))
    signs = np.where(axes[np.abs(axes).argmax(axis=0), np.arange(s)] < 0, -1.0, 1.0)
    return np.asarray(axes[:, :s] * signs)
