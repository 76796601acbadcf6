"""Threshold cascades tuned on a model of their confidences (arXiv 2501.09345: Zellinger & Thomson, "Rational
Tuning of LLM Cascades via Probabilistic Modeling").

Along a chain the calibrated confidences are a Markov chain: mixed marginals (``marginals``) joined pair by
pair by Gumbel copulas with Kendall's tau of the rows. The expected correctness and cost of any thresholds
follow by integrating forwards, so thresholds are optimised for correctness - lambda * cost without replaying
anything. Here the integrals are sums over cells whose probabilities are the copulas' rectangles, which treats
point masses exactly; one threshold at a time is set to its exact optimum until none moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.core.marginals import CELLS, Levels, fit_marginal
from penstock.errors import InputError, MissingExtra
from penstock.types import FloatArray, IntArray

MOST_TAU = 0.95
"""Beyond it a Gumbel copula is as good as a line."""
_ROUNDS = 30


@dataclass(frozen=True, eq=False)
class ChainModel:
    """``levels`` of m members' confidences, ``step`` (m - 1 matrices) from a member's cell to the next one's,
    ``tau`` (m - 1) and mean ``cost`` (m,). An answer of confidence p is worth p."""

    levels: tuple[Levels, ...]
    step: tuple[FloatArray, ...]
    tau: tuple[float, ...]
    cost: FloatArray

    def expected(self, cut: Sequence[int]) -> tuple[float, float]:
        """(quality, cost) per query of keeping a j-th member's answer from its cell ``cut[j]`` on."""
        mass = self.levels[0].probability
        quality, cost = 0.0, float(self.cost[0])
        for j, at in enumerate(cut):
            quality += float(mass[at:] @ self.levels[j].value[at:])
            going = mass[:at]
            cost += float(going.sum() * self.cost[j + 1])
            mass = going @ self.step[j][:at]
        return quality + float(mass @ self.levels[-1].value), cost

    def thresholds(self, cut: Sequence[int]) -> tuple[float, ...]:
        """The same as numbers a cascade compares confidences with."""
        return tuple(_threshold(levels, at) for levels, at in zip(self.levels, cut, strict=False))

    def tuned(self, lam: float, start: Sequence[int] | None = None) -> tuple[int, ...]:
        """Cells from which to keep for the largest quality - ``lam`` * cost, one member at a time."""
        starts = [self._one_step_ahead(lam), *([] if start is None else [tuple(start)])]
        found = [self._climb(lam, cut) for cut in starts]
        return max(found, key=lambda cut: self._worth(cut, lam))

    def sample(self, rows: int, seed: int) -> FloatArray:
        """(rows, m) confidences drawn from the model, each its cell's value."""
        rng = np.random.default_rng(seed)
        at = np.searchsorted(self.levels[0].below[1:-1], rng.random(rows), side="right")
        values = [self.levels[0].value[at]]
        for j, step in enumerate(self.step):
            cumulative = np.cumsum(step, axis=1)[at, :-1]
            at = (cumulative <= rng.random(rows)[:, None]).sum(axis=1)
            values.append(self.levels[j + 1].value[at])
        return np.stack(values, axis=1)

    def _worth(self, cut: Sequence[int], lam: float) -> float:
        quality, cost = self.expected(cut)
        return quality - lam * cost

    def _one_step_ahead(self, lam: float) -> tuple[int, ...]:
        """Backwards: keep from the first cell on that is worth at least going on optimally."""
        worth = self.levels[-1].value
        cut: list[int] = []
        for j in reversed(range(len(self.step))):
            going = self.step[j] @ worth - lam * self.cost[j + 1]
            cut.insert(0, _best_cut(self.levels[j].probability, self.levels[j].value, going))
            worth = np.maximum(self.levels[j].value, going)
        return tuple(cut)

    def _climb(self, lam: float, cut: tuple[int, ...]) -> tuple[int, ...]:
        for _ in range(_ROUNDS):
            before = cut
            for j in reversed(range(len(self.step))):
                here = _best_cut(self._reaching(j, cut), self.levels[j].value, self._going(j, cut, lam))
                cut = (*cut[:j], here, *cut[j + 1 :])
            if cut == before:
                break
        return cut

    def _reaching(self, j: int, cut: tuple[int, ...]) -> FloatArray:
        """(M_j,) the probability of getting to each cell of the j-th member."""
        mass = self.levels[0].probability
        for i in range(j):
            mass = mass[: cut[i]] @ self.step[i][: cut[i]]
        return mass

    def _going(self, j: int, cut: tuple[int, ...], lam: float) -> FloatArray:
        """(M_j,) what going on from each cell of the j-th member is worth, costs taken off."""
        worth = self.levels[-1].value
        for i in reversed(range(j, len(self.step))):
            going: FloatArray = self.step[i] @ worth - lam * self.cost[i + 1]
            if i > j:
                worth = np.where(np.arange(len(going)) >= cut[i], self.levels[i].value, going)
        return going


def fit_chain(confidence: FloatArray, cost: FloatArray, *, cells: int = CELLS) -> ChainModel:
    """From calibrated confidences (n, m) of a chain's members, in chain order, on rows where all are known,
    and their mean costs (m,). A negative tau counts as 0: Gumbel copulas know no such dependence."""
    if confidence.ndim != 2 or confidence.shape[1] != len(cost) or len(cost) < 2:
        raise InputError("needs one column per member of a chain of at least two", field="confidence")
    levels = tuple(fit_marginal(column).levels(cells) for column in confidence.T)
    taus = [kendall_tau(a, b) for a, b in zip(confidence.T[:-1], confidence.T[1:], strict=True)]
    tau = tuple(float(np.clip(t, 0.0, MOST_TAU)) for t in taus)
    pairs = zip(levels[:-1], levels[1:], tau, strict=True)
    return ChainModel(
        levels, tuple(_transition(a, b, t) for a, b, t in pairs), tau, np.asarray(cost, dtype=float)
    )


def kendall_tau(x: FloatArray, y: FloatArray) -> float:
    """Kendall's tau-b; 0 where one of them never moves."""
    try:
        from scipy.stats import kendalltau
    except ImportError as error:
        raise MissingExtra("fit", "modelling confidences") from error
    found = float(kendalltau(x, y).statistic)
    return 0.0 if np.isnan(found) else found


def gumbel(u: FloatArray, v: FloatArray, tau: float) -> FloatArray:
    """C(u, v) of the Gumbel copula with Kendall's ``tau`` in [0, 1), theta = 1 / (1 - tau)."""
    theta = 1.0 / (1.0 - tau)
    with np.errstate(divide="ignore"):
        x, y = -np.log(u), -np.log(v)
    top = np.maximum(x, y)
    # the larger one outside, so that no power overflows
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(top > 0, np.minimum(x, y) / top, 0.0)
        found = np.exp(-top * (1.0 + ratio**theta) ** (1.0 / theta))
    return np.where(np.isinf(top), 0.0, found)


def _transition(first: Levels, second: Levels, tau: float) -> FloatArray:
    """(M_1, M_2) the second's cell given the first's: rectangles of the copula, rows summing to 1."""
    corner = gumbel(np.clip(first.below, 0, 1)[:, None], np.clip(second.below, 0, 1)[None, :], tau)
    joint = np.maximum(np.diff(np.diff(corner, axis=0), axis=1), 0.0)
    total = joint.sum(axis=1, keepdims=True)
    # a cell that never occurs goes on as if it knew nothing
    given: FloatArray = np.where(total > 0, joint / np.where(total > 0, total, 1.0), second.probability)
    return given


def _best_cut(mass: FloatArray, keep: FloatArray, going: FloatArray) -> int:
    """The cell from which keeping pays most; among equals the one that keeps most."""
    gain: IntArray | FloatArray = mass * (going - keep)
    total = np.concatenate([[0.0], np.cumsum(gain)])
    return int(np.argmax(total >= total.max() - 1e-12))


def _threshold(levels: Levels, at: int) -> float:
    return float(levels.lower[at]) if at < len(levels.lower) else float(np.nextafter(_top(levels), np.inf))


def _top(levels: Levels) -> float:
    """The largest confidence there can be: a mass stands at its value, a smooth cell reaches as far again."""
    last, value = float(levels.lower[-1]), float(levels.value[-1])
    return value + (value - last)
