"""Replaying families of policies on tuning rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.core.curves import concave_hull
from penstock.core.threads import each
from penstock.policies.base import Policy
from penstock.router.frontier import OperatingPoint
from penstock.router.replay import BeliefSource, replay
from penstock.types import FloatArray


@dataclass(frozen=True)
class Swept:
    """p policies on n tuning rows: realised ``cost`` and ``quality`` (p, n), and the share of rows (p,) on
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

    def hull(self) -> Swept:
        """The vertices of the concave hull of the policies' means, by rising cost."""
        return self.take(concave_hull(self.cost.mean(axis=1), self.quality.mean(axis=1)).tolist())

    def points(self) -> tuple[OperatingPoint, ...]:
        """All policies as operating points."""
        return tuple(self.point(i) for i in range(len(self)))

    def take(self, index: Sequence[int]) -> Swept:
        """Some of the policies."""
        chosen = list(index)
        return Swept(
            tuple(self.policies[i] for i in chosen),
            self.cost[chosen],
            self.quality[chosen],
            self.strong_share[chosen],
        )

    def __add__(self, other: Swept) -> Swept:
        return Swept(
            self.policies + other.policies,
            np.concatenate([self.cost, other.cost]),
            np.concatenate([self.quality, other.quality]),
            np.concatenate([self.strong_share, other.strong_share]),
        )


def mean_of(swept: Sequence[Swept]) -> Swept:
    """The same policies on the same rows with other samples shown: what they cost and give on average."""
    return Swept(
        swept[0].policies,
        np.mean([s.cost for s in swept], axis=0),
        np.mean([s.quality for s in swept], axis=0),
        np.mean([s.strong_share for s in swept], axis=0),
    )


def sweep(
    policies: Sequence[Policy],
    beliefs: BeliefSource,
    quality: FloatArray,
    cost: FloatArray,
    best_fixed: int,
    *,
    threads: int = 1,
) -> Swept:
    """Replay every policy over the same rows: ``quality`` and ``cost`` (n, k) without missing cells.

    Several ``threads`` are worth it where a policy's steps are a compiled kernel's work.
    """
    n = len(quality)
    costs, qualities = np.empty((len(policies), n)), np.empty((len(policies), n))
    strong = np.empty(len(policies))

    def replay_one(i: int) -> None:
        replayed = replay(policies[i], beliefs, quality, cost)
        costs[i], qualities[i] = replayed.cost, replayed.quality
        strong[i] = replayed.executed[:, best_fixed].mean()

    each(replay_one, range(len(policies)), threads=threads)
    return Swept(tuple(policies), costs, qualities, strong)
