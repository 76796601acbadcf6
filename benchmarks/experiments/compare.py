"""Methods on one split, and paired differences between them over splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from benchmarks.experiments.methods import Method
from penstock.belief import Belief
from penstock.core.curves import auc, concave_hull
from penstock.core.resample import bootstrap_weights
from penstock.core.routing import frontier_lambdas, hull_edges, route
from penstock.estimators.post_hoc.base import whole
from penstock.fitting.sweep import Sweep, sweep
from penstock.types import FloatArray, IntArray

DRAWS = 200


@dataclass(frozen=True)
class Truth:
    """True ``quality`` and ``cost`` (n, k) of some rows of a table; ``weight`` (DRAWS, n) resamples them."""

    quality: FloatArray
    cost: FloatArray
    weight: FloatArray


@dataclass(frozen=True)
class Split:
    """Estimates by name, each (of fitting rows, of test rows), the outcomes of both, and the seconds that
    fitting each kind of estimates took."""

    sources: Mapping[str, tuple[Belief, Belief]]
    fit: Truth
    test: Truth
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """One method on one split: its area on test rows and on each resample of them, its mean frontier, what
    was tuned, and seconds to fit and tune and microseconds per query to decide (replay and all)."""

    auc: float
    resampled: FloatArray
    cost: FloatArray
    quality: FloatArray
    kappa: float = 1.0
    beyond: float = 0.0
    """Area up to twice the dearest candidate's cost: a sequence can spend more than any candidate."""
    fit_seconds: float = 0.0
    tune_seconds: float = 0.0
    decide_us: float = 0.0


def weights_of(cluster: Sequence[str], seed: int = 0) -> FloatArray:
    """(DRAWS, n): the same resamples of a table's questions for every split and method."""
    return bootstrap_weights(np.unique(cluster, return_inverse=True)[1], draws=DRAWS, seed=seed)


def run(method: Method, split: Split) -> Outcome:
    """Tune on fitting rows by replay (the hull over lambda; kappa by area), replay that hull on test rows."""
    fit, test = split.sources[method.estimates]
    started = perf_counter()
    best: tuple[float, float, Sweep] | None = None
    for kappa in method.kappas:
        policies = method.family(fit.begin(), kappa)
        swept = sweep(policies, whole(fit, len(split.fit.cost)), split.fit.quality, split.fit.cost, 0).hull()
        reached = _area(swept.cost.mean(axis=1), swept.quality.mean(axis=1), *_means(split.fit))
        if best is None or reached > best[0]:
            best = (reached, kappa, swept)
    assert best is not None
    tuned = perf_counter() - started
    started = perf_counter()
    rows = whole(test, len(split.test.cost))
    swept = sweep(best[2].policies, rows, split.test.quality, split.test.cost, 0)
    decided = 1e6 * (perf_counter() - started) / swept.cost.size
    seconds = split.seconds.get(method.estimates, 0.0)
    return measured(swept.cost, swept.quality, split.test, best[1], (seconds, tuned, decided))


def measured(
    cost: FloatArray,
    quality: FloatArray,
    truth: Truth,
    kappa: float = 1.0,
    took: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Outcome:
    """The areas of realised frontier points, per row (p, n)."""
    means, heights = cost.mean(axis=1), quality.mean(axis=1)
    share = truth.weight / truth.weight.sum(axis=1, keepdims=True)
    costs, qualities = share @ cost.T, share @ quality.T
    ends, fixed = share @ truth.cost, share @ truth.quality
    resampled = [_area(costs[b], qualities[b], ends[b], fixed[b]) for b in range(len(share))]
    return Outcome(
        _area(means, heights, *_means(truth)),
        np.array(resampled),
        means,
        heights,
        kappa,
        _area(means, heights, *_means(truth), reach=2.0),
        *took,
    )


def linear(truth: Truth) -> Outcome:
    """Linear interpolation: the hull of single candidates, in hindsight, as published."""
    cost, quality = _means(truth)
    hull = concave_hull(cost, quality)
    return measured(truth.cost.T[hull], truth.quality.T[hull], truth)


def oracle(truth: Truth) -> Outcome:
    """Routing on the truth."""
    prices = frontier_lambdas(hull_edges(truth.quality, truth.cost), 60)
    chosen = [route(truth.quality, truth.cost, float(lam)) for lam in prices]
    rows = np.arange(len(truth.cost))
    return measured(
        np.stack([truth.cost[rows, c] for c in chosen]),
        np.stack([truth.quality[rows, c] for c in chosen]),
        truth,
    )


@dataclass(frozen=True)
class Difference:
    """Mean paired difference of areas x 100 and its 95% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


def difference(better: Sequence[Outcome], than: Sequence[Outcome], seed: int = 0) -> Difference:
    """Over splits: the same resampled questions for both, and splits drawn with replacement too."""
    gaps = 100 * np.stack([a.resampled - b.resampled for a, b in zip(better, than, strict=True)])
    rng = np.random.default_rng(seed)
    drawn: IntArray = rng.integers(0, len(gaps), size=(gaps.shape[1], len(gaps)))
    means = gaps[drawn, np.arange(gaps.shape[1])[:, None]].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    mean = 100 * float(np.mean([a.auc - b.auc for a, b in zip(better, than, strict=True)]))
    return Difference(mean, float(low), float(high))


def run_all(methods: Sequence[Method], split: Split, outcomes: dict[str, list[Outcome]]) -> None:
    """Append every method whose estimates the split has, and both controls."""
    outcomes.setdefault("linear interpolation", []).append(linear(split.test))
    for method in methods:
        if method.estimates in split.sources:
            outcomes.setdefault(method.name, []).append(run(method, split))
    outcomes.setdefault("oracle", []).append(oracle(split.test))


def mean_of(outcomes: Sequence[Outcome], field: str) -> float:
    """The mean over splits of one number of an outcome."""
    return float(np.mean([getattr(o, field) for o in outcomes]))


def _means(truth: Truth) -> tuple[FloatArray, FloatArray]:
    return truth.cost.mean(axis=0), truth.quality.mean(axis=0)


def _area(
    cost: FloatArray, quality: FloatArray, ends: FloatArray, fixed: FloatArray, reach: float = 1.0
) -> float:
    """The published AUC: from the cheapest to ``reach`` times the dearest candidate's mean cost, flat."""
    return auc(cost, quality, float(ends.min()), reach * float(ends.max()), float(fixed[ends.argmin()]))
