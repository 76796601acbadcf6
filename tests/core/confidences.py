"""Confidences of the members of a chain, by laws that are known."""

from __future__ import annotations

import numpy as np

from penstock.types import FloatArray


def gumbel_pairs(n: int, tau: float, seed: int) -> FloatArray:
    """(n, 2) uniforms by Marshall & Olkin: exponentials over one positive stable number (Chambers et al.)."""
    rng = np.random.default_rng(seed)
    alpha = 1.0 - tau
    angle, e = rng.uniform(0, np.pi, n), rng.exponential(size=n)
    stable = np.sin(alpha * angle) / np.sin(angle) ** (1 / alpha)
    stable *= (np.sin((1 - alpha) * angle) / e) ** ((1 - alpha) / alpha)
    return np.exp(-((rng.exponential(size=(n, 2)) / stable[:, None]) ** alpha))


def world(n: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Calibrated confidences of three members that rise together, with masses at the ends, and outcomes."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=(n, 1))
    logit = np.array([-0.2, 0.6, 1.6]) + 1.3 * level + 1.0 * rng.normal(size=(n, 3))
    p = np.clip(1.1 / (1 + np.exp(-logit)) - 0.05, 0.05, 0.97)
    return p, (rng.random((n, 3)) < p).astype(float)
