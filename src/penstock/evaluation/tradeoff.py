"""Cost against accuracy for a small and a large model (SATER, EMNLP 2025).

Everything is measured against the same two ends: one small model alone and the large one alone, on the same
queries. The cost of the large one alone is 1. Curves are knots of (mean cost, mean accuracy); the ends are
not among a method's own points and are added here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from penstock.core.curves import auc
from penstock.errors import InputError
from penstock.types import BoolArray, FloatArray, IntArray

RATIOS = (13.75, 25.0, 50.0, 100.0)
"""Price of a token of the large model over one of the small model's: 1.10 / 0.08 USD, and the paper's
others."""


def token_cost(
    ratio: float,
    *,
    small: FloatArray,
    large: FloatArray,
    routed: BoolArray,
) -> FloatArray:
    """(n,) cost in tokens of the small model: ``small + ratio * large`` where the query was ``routed``.

    ``small`` (n,): its input once and every token it decoded, cancelled ones included; ``large`` (n,): the
    large model's input and output.
    """
    if not np.isfinite(ratio) or ratio <= 0:
        raise InputError(f"must be a finite number above 0, not {ratio}", field="ratio")
    return np.asarray(small + ratio * np.where(routed, large, 0.0), dtype=np.float64)


@dataclass(frozen=True)
class Curve:
    """Knots by rising cost (m,), cost of the large model alone = 1, and their accuracy (m,)."""

    cost: FloatArray
    accuracy: FloatArray


@dataclass(frozen=True)
class Ends:
    """The small and the large model alone on n queries: accuracies and costs (n,), costs in one unit.

    For every method that is compared, take the accuracy and cost of one and the same base small model.
    """

    small: FloatArray
    small_cost: FloatArray
    large: FloatArray
    large_cost: FloatArray

    def __post_init__(self) -> None:
        arrays = (self.small, self.small_cost, self.large, self.large_cost)
        if len({len(a) for a in arrays}) != 1 or not len(self.small):
            raise InputError("accuracies and costs of the two models must be of the same queries")
        if not all(np.isfinite(a).all() for a in arrays) or self.large_cost.mean() <= 0:
            raise InputError("accuracies and costs must be finite, and the large model's cost above 0")
        if not self.low < 1.0:
            raise InputError("the small model alone must cost less than the large one alone", field="cost")

    @property
    def low(self) -> float:
        """c0: the small model alone."""
        return float(self.small_cost.mean() / self.large_cost.mean())

    @property
    def accuracy(self) -> tuple[float, float]:
        """Mean accuracy of the small and of the large model alone."""
        return float(self.small.mean()), float(self.large.mean())

    def perfect(self) -> Ends:
        """The "(100)" reading: every query sent to the large model counts as correct. Score the routed
        queries of a method the same way (``perfect_when_routed``)."""
        return replace(self, large=np.ones_like(self.large))

    def rows(self, index: IntArray) -> Ends:
        """Some of the queries, repeats included (for a bootstrap)."""
        return Ends(self.small[index], self.small_cost[index], self.large[index], self.large_cost[index])

    def normalised(self, cost: FloatArray) -> FloatArray:
        """Costs with the large model alone at 1."""
        return np.asarray(cost / self.large_cost.mean(), dtype=np.float64)

    def curve(self, cost: FloatArray, accuracy: FloatArray) -> Curve:
        """A method's curve from its sweep: mean cost (m,) in the unit of the ends, and mean accuracy (m,).

        The two models alone are the ends of every sweep. Left of the method's cheapest point (K samples start
        near K times the small model's cost) it is a mixture with the small model alone; right of its dearest
        point below 1, one with the large model alone, or flat where that is higher. No running maximum is
        taken: over points chosen on test rows it would flatter (docs/references.md, correction 9).
        """
        relative = self.normalised(cost)
        inside = np.flatnonzero(relative < 1.0)
        inside = inside[np.argsort(relative[inside], kind="stable")]
        small, large = self.accuracy
        last = float(accuracy[inside[-1]]) if inside.size else large
        return Curve(
            np.concatenate([[self.low], relative[inside], [1.0]]),
            np.concatenate([[small], accuracy[inside], [max(last, large)]]),
        )

    def random(self) -> Curve:
        """Every query to the large model with the same probability, and then not to the small one: its area
        is the mean of the two accuracies."""
        return self.curve(np.empty(0), np.empty(0))

    def golden(self) -> Curve:
        """The best a router can do that never pays both models: Strategy B, what only the large model solves,
        in rising cost per gain; then flat."""
        gain, price = self.large - self.small, self.large_cost - self.small_cost
        free = np.flatnonzero((gain > 0) & (price <= 0))
        paid = np.flatnonzero((gain > 0) & (price > 0))
        return self._steps(free, paid[np.argsort(price[paid] / gain[paid], kind="stable")], price)

    def strategy_a(self) -> Curve:
        """The pessimistic oracle: to the large model first what neither solves, then what only it solves,
        then the rest; cheapest first within each. It is spared nothing where the large model is cheaper."""
        gain, price = self.large - self.small, np.maximum(self.large_cost - self.small_cost, 0.0)
        beyond = (self.small <= 0) & (self.large <= 0)
        group = np.where(beyond, 0, np.where(gain > 0, 1, np.where(gain == 0, 2, 3)))
        return self._steps(np.empty(0, dtype=np.int64), np.lexsort((price, group)), price)

    def _steps(self, free: IntArray, order: IntArray, price: FloatArray) -> Curve:
        """The curve of sending ``free`` to the large model at once and then ``order`` one by one."""
        gain = self.large - self.small
        n = len(gain)
        rise = np.concatenate([[gain[free].sum()], gain[order]])
        paid = np.concatenate([[price[free].sum()], price[order]])
        return Curve(
            self.normalised(self.small_cost.mean() + np.cumsum(paid) / n),
            self.accuracy[0] + np.cumsum(rise) / n,
        )

    def toa(self, curve: Curve) -> float:
        """Trade-off area: the mean accuracy of a curve over costs from the small model's to 1."""
        return auc(curve.cost, curve.accuracy, self.low, 1.0, self.accuracy[0])

    def togr(self, curve: Curve) -> float:
        """``(ToA - ToA of random) / (ToA of golden - ToA of random)``: 0 random, 1 golden, negative below
        random; NaN where the golden curve gains nothing."""
        random, golden = sum(self.accuracy) / 2, self.toa(self.golden())
        possible = golden - random
        return (self.toa(curve) - random) / possible if possible > 1e-12 else float("nan")


def perfect_when_routed(quality: FloatArray, routed: BoolArray) -> FloatArray:
    """Under the "(100)" reading, the accuracy of n queries with every routed one correct."""
    return np.where(routed, 1.0, quality)
