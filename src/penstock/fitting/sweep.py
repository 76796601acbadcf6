"""Replaying families of policies on tuning rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.belief import Answered
from penstock.core.curves import concave_hull
from penstock.core.threads import parallel_map
from penstock.estimators.post_hoc.base import Before, BeliefPart
from penstock.policies.base import Policy, TuningEvidence
from penstock.router.frontier import OperatingPoint
from penstock.router.replay import replay
from penstock.types import FloatArray


@dataclass(frozen=True)
class Sweep:
    """p policies on n tuning rows: held-out ``cost`` and ``quality`` (p, n), and the share of rows (p,) on
    which the best fixed candidate was called."""

    policies: tuple[Policy, ...]
    cost: FloatArray
    quality: FloatArray
    strong_share: FloatArray

    def __len__(self) -> int:
        return len(self.policies)

    def point(self, i: int) -> OperatingPoint:
        """The i-th policy as an operating point."""
        return OperatingPoint(
            self.policies[i],
            float(self.cost[i].mean()),
            float(self.quality[i].mean()),
            float(self.strong_share[i]),
        )

    def hull(self) -> Sweep:
        """The vertices of the concave hull of the policies' means, by rising cost."""
        return self.take(concave_hull(self.cost.mean(axis=1), self.quality.mean(axis=1)).tolist())

    def points(self) -> tuple[OperatingPoint, ...]:
        """All policies as operating points."""
        return tuple(self.point(i) for i in range(len(self)))

    def take(self, index: Sequence[int]) -> Sweep:
        """Some of the policies."""
        chosen = list(index)
        return Sweep(
            tuple(self.policies[i] for i in chosen),
            self.cost[chosen],
            self.quality[chosen],
            self.strong_share[chosen],
        )

    def __add__(self, other: Sweep) -> Sweep:
        return Sweep(
            self.policies + other.policies,
            np.concatenate([self.cost, other.cost]),
            np.concatenate([self.quality, other.quality]),
            np.concatenate([self.strong_share, other.strong_share]),
        )


def mean_of(swept: Sequence[Sweep]) -> Sweep:
    """The same policies on the same rows with other samples shown: what they cost and give on average."""
    return Sweep(
        swept[0].policies,
        np.mean([s.cost for s in swept], axis=0),
        np.mean([s.quality for s in swept], axis=0),
        np.mean([s.strong_share for s in swept], axis=0),
    )


def sweep(
    policies: Sequence[Policy],
    beliefs: Sequence[BeliefPart],
    quality: FloatArray,
    cost: FloatArray,
    best_fixed: int,
    *,
    threads: int = 1,
) -> Sweep:
    """Replay every policy over the same rows: ``quality`` and ``cost`` (n, k) without missing cells, and what
    is believed of them in parts.

    Several ``threads`` are worth it where a policy's steps are a compiled kernel's work.
    """
    n = len(quality)
    costs, qualities = np.empty((len(policies), n)), np.empty((len(policies), n))
    called = np.zeros((len(policies), n), dtype=bool)

    def replay_one(i: int) -> None:
        for part in beliefs:
            rows = part.rows
            done = replay(policies[i], part.belief, quality[rows], cost[rows])
            costs[i, rows], qualities[i, rows] = done.cost, done.quality
            called[i, rows] = done.executed[:, best_fixed]

    parallel_map(replay_one, range(len(policies)), threads=threads)
    return Sweep(tuple(policies), costs, qualities, called.mean(axis=1))


def evidence_of(
    before: Before, beliefs: Sequence[BeliefPart], quality: FloatArray, cost: FloatArray
) -> TuningEvidence:
    """What settings worth trying are chosen from: ``before`` of n tuning rows, what is believed of them, and
    their true ``quality`` and ``cost`` (n, k). Every answer is looked at by itself."""
    shape = before.quality.shape
    post_hoc, confidence = np.empty(shape), np.empty(shape)
    refused = np.zeros(shape, dtype=bool)
    shift_sd: FloatArray | None = np.zeros(shape)
    for part in beliefs:
        rows, everybody = part.rows, np.arange(len(part.rows))
        for j in range(shape[1]):
            state = part.belief.begin()
            if j == 0 and state.shift_sd is None:
                shift_sd = None
            elif j == 0 and shift_sd is not None and state.shift_sd is not None:
                shift_sd[rows] = state.shift_sd
            state = part.belief.observe(state, Answered(everybody, np.full(len(rows), j)))
            post_hoc[rows, j], refused[rows, j] = state.quality[:, j], state.refused[:, j]
            confidence[rows, j] = state.confidence[:, j]
    return TuningEvidence(
        ex_ante=before.quality,
        post_hoc=post_hoc,
        cost=before.cost,
        mean_quality=quality.mean(axis=0),
        mean_cost=cost.mean(axis=0),
        shift_sd=shift_sd,
        refused=refused,
        confidence=confidence,
    )
