"""Routing by one estimator on one split of a real table: what it gains over the fitted mix, unguarded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from time import process_time
from typing import TypeVar

import numpy as np

from benchmarks.experiments.compare import DRAWS
from benchmarks.experiments.result import Settings
from benchmarks.experiments.tables import grid_of
from penstock.belief import OwnAnswerBelief
from penstock.codec import take
from penstock.core.curves import auc, aucs
from penstock.core.resample import bootstrap_weights
from penstock.errors import TableError
from penstock.estimators.embeddings import Embedder
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.post_hoc.base import BeliefPart, whole
from penstock.fitting.crossfit_stages import ExAnteFit, ensemble, fit_ex_ante
from penstock.fitting.select_candidates import complete_rows, select_candidates
from penstock.fitting.settings import AUTO, FitSettings
from penstock.fitting.sweep import Sweep, evidence_of, sweep
from penstock.fitting.training_data import TrainingData, prepare_data
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import groups_of, split_by_group
from penstock.policies.base import Policy
from penstock.policies.fixed import every_candidate
from penstock.policies.routing import Routing
from penstock.state import draw_of
from penstock.types import FloatArray


@dataclass(frozen=True)
class Measured:
    """One estimator on one split: area over the fitted mix on the test rows and on resamples of them
    (1 + DRAWS,), the area out of fold that a choice could be made by, what it explains of the differences
    between candidates, and the processor seconds of fitting."""

    over: FloatArray
    tuned: float
    explained: float
    seconds: float


T = TypeVar("T")
Found = dict[str, dict[str, list[Measured]]]
"""table -> estimator -> one per split"""
Measure = Callable[[OutcomeMatrix, OutcomeMatrix, int], dict[str, Measured] | None]
"""(fitting rows, test rows, seed) -> by estimator; None where a table has no cost range."""


def over_tables(
    settings: Settings, least_rows: int, measure_one: Measure
) -> tuple[Found, list[str], dict[str, tuple[int, int]]]:
    """``measure_one`` on every split of every table with costs and ``least_rows`` fitting queries; which
    tables were not used, as lines of Markdown; and the last split's fitting rows x candidates."""
    sizes: dict[str, tuple[int, int]] = {}

    def one(table: str, fit: OutcomeMatrix, test: OutcomeMatrix, seed: int) -> dict[str, Measured] | str:
        if len(fit) < min(least_rows, settings.rows or least_rows):
            return f"{len(fit)} fitting queries"
        measured = measure_one(fit, test, seed)
        if measured is None:
            return "the cost range is empty"
        sizes[table] = (len(fit), len(fit.candidates))
        return measured

    splits, unused = every_split(settings, one)
    found: Found = {}
    for table, measured in splits.items():
        found[table] = {name: [m[name] for m in measured if name in m] for m in measured for name in m}
    return found, unused, sizes


def every_split(
    settings: Settings, one: Callable[[str, OutcomeMatrix, OutcomeMatrix, int], T | str]
) -> tuple[dict[str, list[T]], list[str]]:
    """What ``one`` makes of (table, fitting rows, test rows, seed), by table, until it says why one is not
    used; and those reasons as lines of Markdown."""
    found: dict[str, list[T]] = {}
    unused: list[str] = []
    for table in sorted(p.name for p in settings.tables.iterdir() if (p / "outcomes.parquet").exists()):
        if settings.only and table not in settings.only:
            unused.append(f"- `{table}`: not asked for")
            continue
        grid = grid_of(settings, table)
        for seed in range(settings.seeds):
            try:
                fit, test = split(grid, seed)
            except TableError as error:
                unused.append(f"- `{table}`: {error.message}")
                break
            measured = one(table, fit, test, seed)
            if isinstance(measured, str):
                unused.append(f"- `{table}`: {measured}")
                break
            found.setdefault(table, []).append(measured)
    return found, unused


def against(a: Sequence[Measured], b: Sequence[Measured]) -> tuple[float, float]:
    """Mean paired difference in area x 100 and its standard error; splits share rows, so their mean is taken
    to be as uncertain as one."""
    differences = [100 * (x.over - y.over) for x, y in zip(a, b, strict=True)]
    return fmean(float(d[0]) for d in differences), fmean(float(d[1:].std(ddof=1)) for d in differences)


def split(grid: OutcomeMatrix, seed: int) -> tuple[OutcomeMatrix, OutcomeMatrix]:
    """Fitting rows and complete test rows of the candidates selected on fitting rows."""
    fit_rows, test_rows = split_by_group(grid.queries, 0.7, seed)
    fit, test = grid.rows(fit_rows), grid.rows(test_rows)
    names = select_candidates(fit).names
    fit, test = fit.select(names), test.select(names)
    return fit, test.rows(complete_rows(test))


def resampled(test: OutcomeMatrix, seed: int) -> FloatArray:
    """(1 + DRAWS, n) weights that sum to 1: of the test rows themselves, and of resamples by question."""
    cluster = np.unique(groups_of(test.queries), return_inverse=True)[1]
    drawn = bootstrap_weights(cluster, draws=DRAWS, seed=seed)
    weight = np.concatenate([np.ones((1, len(test))), drawn])
    weight /= weight.sum(axis=1, keepdims=True)
    return weight


def measure(
    fit: OutcomeMatrix, test: OutcomeMatrix, seed: int, names: Sequence[str], embedder: Embedder | None = None
) -> dict[str, Measured] | None:
    """Every estimator of ``names`` on one split, ``ensemble`` being the mean of those before it that ``auto``
    has; None where the best fixed candidate is also the cheapest."""
    settings = FitSettings(policies=("routing",), seed=seed)
    rows = prepare_data(fit, select_candidates(fit).best_fixed, settings, embedder=embedder)
    cheapest = int(rows.tuned_cost.mean(axis=0).argmin())
    if cheapest == rows.best:
        return None
    judge = _Judge.of(test, cheapest, rows.best, seed)
    inputs = rows.encoder.encode(test.queries)
    singles = every_candidate(len(fit.candidates))
    nothing = np.zeros_like(test.quality)
    mix = judge.aucs(_tuned(singles, rows.no_beliefs(), rows), nothing, test.cost)
    found: dict[str, Measured] = {}
    all_known: list[ExAnteFit] = []
    for name in names:
        started = process_time()
        if name == ENSEMBLE:
            known = ensemble([k for k in all_known if k.name in AUTO], rows)
        else:
            known = fit_ex_ante(estimator(name), rows, settings)
        all_known.append(known)
        spent = process_time() - started
        model, beliefs = known.model, rows.unmoved(known.ex_ante)
        before = take(rows.before(known.ex_ante), rows.tuning)
        evidence = evidence_of(before, beliefs, rows.tuned_quality, rows.tuned_cost)
        swept = _tuned(Routing.search_space(evidence), beliefs, rows)
        quality = model.quality(inputs)
        over = judge.aucs(swept, quality, model.cost.predict(inputs)) - mix
        explained = _explained(quality, test.quality, model.shrinkage.means)
        found[name] = Measured(over, _area_out_of_fold(swept, rows, cheapest), explained, spent)
    return found


def _tuned(policies: Sequence[Policy], beliefs: Sequence[BeliefPart], rows: TrainingData) -> Sweep:
    """The hull of what the policies reach on fitting rows."""
    return sweep(policies, beliefs, rows.tuned_quality, rows.tuned_cost, rows.best).hull()


def _area_out_of_fold(swept: Sweep, rows: TrainingData, cheapest: int) -> float:
    cost, quality = rows.tuned_cost.mean(axis=0), rows.tuned_quality.mean(axis=0)
    points = swept.cost.mean(axis=1), swept.quality.mean(axis=1)
    return auc(*points, float(cost[cheapest]), float(cost[rows.best]), float(quality[cheapest]))


@dataclass(frozen=True)
class _Judge:
    """Test rows, their resamples (the first is the sample itself), and the cost range of each."""

    test: OutcomeMatrix
    weight: FloatArray
    draw: FloatArray
    low: FloatArray
    high: FloatArray
    left: FloatArray

    @classmethod
    def of(cls, test: OutcomeMatrix, cheapest: int, best: int, seed: int) -> _Judge:
        weight = resampled(test, seed)
        cost = weight @ test.cost
        draw = np.array([draw_of(q.id, seed) for q in test.queries])
        left = weight @ test.quality[:, cheapest]
        return cls(test, weight, draw, cost[:, cheapest], cost[:, best], left)

    def aucs(self, swept: Sweep, quality: FloatArray, cost: FloatArray) -> FloatArray:
        """(1 + DRAWS,) area under policies on estimates (n, k), without a maximum over test points."""
        beliefs = whole(OwnAnswerBelief(quality, quality, cost, self.draw), len(quality))
        done = sweep(swept.policies, beliefs, self.test.quality, self.test.cost, 0)
        x, y = self.weight @ done.cost.T, self.weight @ done.quality.T
        return aucs(x, y, self.low, self.high, self.left)


def _explained(predicted: FloatArray, quality: FloatArray, means: FloatArray) -> float:
    """Share of the variance of the differences between candidates that is predicted."""

    def contrast(values: FloatArray) -> FloatArray:
        centred: FloatArray = values - means
        apart: FloatArray = centred - centred.mean(axis=1, keepdims=True)
        return apart

    true = contrast(quality)
    return float(1 - ((contrast(predicted) - true) ** 2).sum() / max(float((true**2).sum()), 1e-300))
