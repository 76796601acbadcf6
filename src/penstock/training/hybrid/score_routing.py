"""Routing between two models by a score: what it costs in quality, and where to put the threshold.

A query goes to the weaker model where its score is *above* the threshold (Hybrid LLM; arXiv 2404.14618).
Arrays have one row per query: ``score``, and the mean quality ``small`` and ``large`` of either model's
responses.
The *cost advantage* is the share of queries the weaker model gets; the *drop* is in percent of the quality of
sending everything to the stronger one (``|mean|``, as qualities may be negative log-likelihoods).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.errors import InputError
from penstock.types import FloatArray


@dataclass(frozen=True)
class ThresholdSweep:
    """Every distinct threshold, by rising cost advantage: (m + 1,) arrays, beginning with all at large.

    ``drop`` in percent; ``separation`` is the mean gap ``q_small - q_large`` of the queries sent to the
    weaker model minus that of the others (NaN at both ends): 0 for random routing, positive where the router
    knows which queries are easy.
    """

    threshold: FloatArray
    advantage: FloatArray
    drop: FloatArray
    separation: FloatArray

    def drop_at(self, advantage: float) -> float:
        """The drop where a share ``advantage`` of queries goes to the weaker model.

        Between two thresholds the queries of equal score are split at random: the drop is linear.
        """
        return float(np.interp(advantage, self.advantage, self.drop))


@dataclass(frozen=True, slots=True)
class CalibratedThreshold:
    """A threshold, and what it gave on the calibration sample: ``advantage`` a share, ``drop`` in percent."""

    threshold: float
    advantage: float
    drop: float


def sweep_scores(score: FloatArray, small: FloatArray, large: FloatArray) -> ThresholdSweep:
    """All thresholds of a score. Raises InputError where a number is missing or all quality is 0."""
    base = _base(score, small, large)
    order = np.argsort(-score, kind="stable")
    ranked, gap = score[order], (small - large)[order]
    n = len(score)
    last = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))  # the last query of each distinct score
    count = np.concatenate([[0], last + 1])
    gained = np.concatenate([[0.0], np.cumsum(gap)[last]])
    with np.errstate(invalid="ignore", divide="ignore"):
        separation = gained / count - (gap.sum() - gained) / (n - count)
    separation[[0, -1]] = np.nan
    # the largest threshold sends nothing (no score is above it), the smallest must lie below every score
    threshold = np.concatenate([ranked[last], [-np.inf]])
    drop = -100.0 * gained / n / base + 0.0  # never -0.0
    return ThresholdSweep(threshold, count / n, drop, separation)


def drop_of(sent: FloatArray, small: FloatArray, large: FloatArray) -> float:
    """Drop in percent when a share ``sent`` (n,) in [0, 1] of each query goes to the weaker model."""
    base = _base(sent, small, large)
    return float(-100.0 * (sent * (small - large)).mean() / base + 0.0)


def calibrate(
    score: FloatArray, small: FloatArray, large: FloatArray, *, limit: float
) -> CalibratedThreshold:
    """The threshold of largest cost advantage whose drop is at most ``limit`` percent on this sample.

    Every distinct threshold is tried. All at large drops nothing, so for a limit >= 0 there always is one.
    """
    if not limit >= 0.0:
        raise InputError(f"the drop limit must be at least 0 percent, not {limit}")
    sweep = sweep_scores(score, small, large)
    best = int(np.flatnonzero(sweep.drop <= limit).max())
    return CalibratedThreshold(
        float(sweep.threshold[best]), float(sweep.advantage[best]), float(sweep.drop[best])
    )


def held_out(
    threshold: float, score: FloatArray, small: FloatArray, large: FloatArray
) -> CalibratedThreshold:
    """What a threshold gives on other rows."""
    sent = (score > threshold).astype(np.float64)
    return CalibratedThreshold(threshold, float(sent.mean()), drop_of(sent, small, large))


def _base(score: FloatArray, small: FloatArray, large: FloatArray) -> float:
    if not (score.shape == small.shape == large.shape) or score.ndim != 1 or len(score) == 0:
        raise InputError(f"shapes {score.shape}, {small.shape} and {large.shape} are not of the same queries")
    if np.isnan(score).any() or np.isnan(small).any() or np.isnan(large).any():
        raise InputError("a score or a quality is missing")
    base = abs(float(large.mean()))
    if base == 0.0:
        raise InputError("the stronger model's mean quality is 0, so no share of it can be lost")
    return base
