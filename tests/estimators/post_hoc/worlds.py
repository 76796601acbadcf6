"""A small world whose ex-ante estimates are right and whose answers say more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.answers.published_features import PUBLISHED_FEATURES, Answers
from penstock.types import FloatArray, IntArray


@dataclass(frozen=True)
class World:
    """n queries and k candidates: true ``quality``, the probability of it that a perfect ex-ante estimator
    knows, answers, weights and folds."""

    ex_ante: FloatArray
    quality: FloatArray
    answers: Answers
    weight: FloatArray
    fold: IntArray

    @property
    def post_hoc(self) -> FloatArray:
        """A crude own-answer estimate: the ex-ante one moved by the mean log-probability."""
        return np.clip(self.ex_ante + 0.3 * (self.answers.own[:, :, 1] + 0.5), 0.0, 1.0)


def world_of(n: int = 1200, k: int = 3, *, seed: int = 0, signal: float = 1.0) -> World:
    """Right answers agree, wrong ones rarely; mean log-probabilities differ by ``signal`` deviations."""
    rng = np.random.default_rng(seed)
    logit = 0.8 * rng.normal(size=(n, 1)) + 1.2 * rng.normal(size=(n, k)) + 0.5
    ex_ante = 1 / (1 + np.exp(-logit))
    right = rng.random((n, k)) < ex_ante
    codes = np.where(right, 0, rng.integers(1, 8, size=(n, k)))
    own = np.zeros((n, k, len(PUBLISHED_FEATURES)))
    own[:, :, 1] = -0.5 + 0.5 * (signal * (right - 0.5) + rng.normal(size=(n, k)))
    own[:, :, 6] = rng.normal(5.0, 0.3, size=(n, k))
    own[:, :, 7] = 1.0
    everywhere = np.ones((n, k), dtype=bool)
    answers = Answers(codes.astype(np.int64), own, everywhere, everywhere.copy())
    return World(ex_ante, right.astype(np.float64), answers, np.ones((n, k)), rng.integers(0, 4, size=n))


def slope(y: FloatArray, x: FloatArray) -> float:
    """Of the least-squares line of y on x."""
    return float(np.polyfit(x, y, 1)[0])
