"""Estimates made of the truth plus noise (De Koninck et al. 2025, experiments): for experiments, never for
serving.

Every candidate's quality on a query is shown through noise twice, before it runs (wide) and after
(narrow), and
each showing is turned into an estimate by a linear regression of truth on what was shown, fitted on fitting
rows only. Noise belongs to the query, the candidate and the seed, so every method and budget meets the same
(C11.13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from penstock.types import FloatArray, IntArray

RAN = 1e-3
"""Standard deviation left once a candidate has run (the reference code's variance of 1e-6)."""


@dataclass(frozen=True)
class NoiseLevel:
    """Standard deviations of the noise on quality, and on cost in USD, before and after a run."""

    quality_before: float
    quality_after: float
    cost_before: float
    cost_after: float


LEVELS = {
    "low": NoiseLevel(0.6, 0.3, 2e-4, 5e-5),
    "medium": NoiseLevel(1.6, 0.8, 4e-4, 1e-4),
    "high": NoiseLevel(2.4, 1.2, 100.0, 100.0),
}
"""The released levels; at ``high`` the cost estimate degenerates to the mean."""


@dataclass(frozen=True)
class Simulated:
    """Estimates (n, k) of n queries: quality and cost before and after each candidate has run, and the
    ``shift_sd`` (k,) of after around before on fitting rows."""

    before: FloatArray
    after: FloatArray
    cost_before: FloatArray
    cost_after: FloatArray
    shift_sd: FloatArray


def simulate(
    ids: Sequence[str],
    candidates: Sequence[str],
    quality: FloatArray,
    cost: FloatArray,
    fitting: IntArray,
    level: NoiseLevel,
    *,
    seed: int,
    refine: bool = True,
    cap: float | None = 1.0,
    variance_slip: bool = False,
) -> Simulated:
    """Simulate estimates for all n queries, calibrated on the rows ``fitting``.

    ``refine`` regresses truth on both showings once a candidate has run, so that the post-hoc estimate keeps
    what the ex-ante one knew (docs/references.md); without it the earlier showing is dropped, as published.
    ``cap`` clips post-hoc estimates (None: not at all, as published). ``variance_slip``: ``shift_sd`` is the
    variance where a standard deviation belongs, as the reference code has it (docs/references.md, defect 4).
    """
    noise = frozen_noise(ids, candidates, seed=seed, kinds=4)
    shown = quality + level.quality_before * noise[0]
    seen = quality + level.quality_after * noise[1]
    before = _calibrated(quality, [shown], fitting)
    after = _calibrated(quality, [shown, seen] if refine else [seen], fitting)
    if cap is not None:
        after = np.minimum(after, cap)
    moved = (before - after)[fitting].std(axis=0)
    cost_shown = cost + level.cost_before * noise[2]
    cost_seen = cost + level.cost_after * noise[3]
    return Simulated(
        before=before,
        after=after,
        cost_before=_calibrated(cost, [cost_shown], fitting),
        cost_after=_calibrated(cost, [cost_seen], fitting),
        shift_sd=moved**2 if variance_slip else moved,
    )


def frozen_noise(ids: Sequence[str], candidates: Sequence[str], *, seed: int, kinds: int) -> FloatArray:
    """(kinds, n, k) standard normal numbers, each a hash of (seed, query, candidate, kind); at most 4
    kinds."""
    words = np.empty((len(ids), len(candidates), kinds, 2), dtype=np.uint64)
    for i, query in enumerate(ids):
        for j, candidate in enumerate(candidates):
            digest = blake2b(f"{seed}:{query}:{candidate}".encode(), digest_size=16 * kinds).digest()
            words[i, j] = np.frombuffer(digest, dtype="<u8").reshape(kinds, 2)
    uniform = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    # Box-Muller: exactly normal, and needs no inverse distribution function
    radius = np.sqrt(-2.0 * np.log1p(-uniform[..., 0]))
    normal: FloatArray = np.moveaxis(radius * np.cos(2.0 * np.pi * uniform[..., 1]), 2, 0)
    return normal


def _calibrated(truth: FloatArray, shown: list[FloatArray], fitting: IntArray) -> FloatArray:
    """Per candidate, the linear regression of truth on what was shown, fitted on ``fitting`` and
    applied to all."""
    estimates = np.empty_like(truth)
    for j in range(truth.shape[1]):
        design = np.stack([np.ones(len(truth)), *(s[:, j] for s in shown)], axis=1)
        coefficients = np.linalg.lstsq(design[fitting], truth[fitting, j], rcond=None)[0]
        estimates[:, j] = design @ coefficients
    return estimates
