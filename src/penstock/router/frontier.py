"""A policy's tuned frontier, and the operating point on it for a target.

The points are the vertices of a concave curve of mean cost against mean quality on tuning rows, each with the
policy that reached it; between two vertices the two policies are mixed, which hits a budget exactly (De
Koninck et al. 2025, Theorem 1; docs/decisions/0002).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.errors import TargetError
from penstock.outcomes.cost_unit import USD, CostUnit
from penstock.policies.base import Policy
from penstock.policies.mixture import mixture_of
from penstock.router.targets import Target, TargetKind

_SLACK = 1e-9


@dataclass(frozen=True)
class OperatingPoint:
    """A policy and what it did on tuning rows: mean cost per query, mean quality, and the share of queries
    that called the best fixed candidate."""

    policy: Policy
    cost: float
    quality: float
    strong_share: float


@dataclass(frozen=True)
class Position:
    """Where a target lies on a frontier: vertices ``low`` and ``high`` and the cheap one's probability."""

    low: int
    high: int
    gamma: float


@dataclass(frozen=True)
class Frontier:
    """Vertices by rising cost and quality; ``best_fixed`` is the candidate targets are measured against."""

    points: tuple[OperatingPoint, ...]
    best_fixed: OperatingPoint
    unit: CostUnit = USD
    deterministic: bool = False
    """Never mix: a target between two vertices takes the one that meets it with room to spare."""

    def at(self, target: Target) -> OperatingPoint:
        """The operating point for a target. TargetError where it cannot be met, naming the nearest
        that can."""
        return self.blend(self.locate(target))

    def blend(self, where: Position) -> OperatingPoint:
        """Two vertices mixed."""
        a, b, g = self.points[where.low], self.points[where.high], where.gamma
        return OperatingPoint(
            mixture_of(a.policy, b.policy, g),
            g * a.cost + (1 - g) * b.cost,
            g * a.quality + (1 - g) * b.quality,
            g * a.strong_share + (1 - g) * b.strong_share,
        )

    def locate(self, target: Target) -> Position:
        """The cheapest blend of adjacent vertices that meets a quality, or the best one within a cost."""
        where = self._blend_for(target)
        if not self.deterministic or where.gamma in {0.0, 1.0}:
            return where
        vertex = where.high if target.kind is TargetKind.QUALITY else where.low
        return Position(vertex, vertex, 1.0)

    def _blend_for(self, target: Target) -> Position:
        first, last = self.points[0], self.points[-1]
        if target.kind is TargetKind.QUALITY:
            wanted = target.value * self.best_fixed.quality
            if wanted > last.quality + _SLACK:
                reach = last.quality / self.best_fixed.quality if self.best_fixed.quality > 0 else 1.0
                raise TargetError(
                    f"{target} cannot be met: on tuning rows the best this pool reaches is "
                    f"quality={reach:.4g} at {last.cost:.6g} {self.unit.label} per query"
                )
            return self._reach([p.quality for p in self.points], wanted)
        if target.kind is TargetKind.STRONG_SHARE:
            return self._strong_share(target.value)
        budget = target.value
        if target.kind is TargetKind.SAVINGS:
            budget = (1.0 - target.value) * self.best_fixed.cost
        if budget < first.cost * (1 - _SLACK):
            saving = 1.0 - first.cost / self.best_fixed.cost if self.best_fixed.cost > 0 else 0.0
            raise TargetError(
                f"{target} cannot be met: the cheapest this pool does costs {first.cost:.6g} "
                f"{self.unit.label} per query (budget={first.cost:.6g}, savings={max(saving, 0.0):.4g})"
            )
        return self._within([p.cost for p in self.points], budget)

    def _reach(self, values: list[float], wanted: float) -> Position:
        """The first place along the frontier where ``values`` (rising) reach ``wanted``."""
        i = min(int(np.searchsorted(values, wanted - _SLACK)), len(values) - 1)
        if i == 0:
            return Position(0, 0, 1.0)
        low, high = values[i - 1], values[i]
        return Position(i - 1, i, float(np.clip((high - wanted) / (high - low), 0.0, 1.0)))

    def _within(self, values: list[float], limit: float) -> Position:
        """The last place along the frontier where ``values`` (rising) stay within ``limit``."""
        i = int(np.searchsorted(values, limit * (1 + _SLACK), side="right"))
        if i >= len(values):
            return Position(len(values) - 1, len(values) - 1, 1.0)
        i = max(i, 1)
        low, high = values[i - 1], values[i]
        return Position(i - 1, i, float(np.clip((high - limit) / (high - low), 0.0, 1.0)))

    def _strong_share(self, limit: float) -> Position:
        """The dearest place where at most ``limit`` of the queries call the best fixed candidate."""
        shares = [p.strong_share for p in self.points]
        for i in range(len(shares) - 1, -1, -1):
            if shares[i] <= limit + _SLACK:
                if i == len(shares) - 1:
                    return Position(i, i, 1.0)
                gamma = (shares[i + 1] - limit) / (shares[i + 1] - shares[i])
                return Position(i, i + 1, float(np.clip(gamma, 0.0, 1.0)))
        raise TargetError(
            f"strong_share={limit:g} cannot be met: the least this pool does is "
            f"strong_share={min(shares):.4g}"
        )
