"""Which ex-ante estimator routes best: every one on every real table with costs and enough rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from time import process_time

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments.compare import DRAWS
from benchmarks.experiments.result import Claim, Result, Settings
from benchmarks.experiments.tables import grid_of
from penstock.core.curves import area
from penstock.core.resample import bootstrap_weights
from penstock.errors import TableError
from penstock.estimators.registry import estimator
from penstock.fitting.candidates import complete_rows, select_candidates
from penstock.fitting.drafts import believe
from penstock.fitting.families import family, fixed
from penstock.fitting.rows import FittingRows, prepare_rows
from penstock.fitting.settings import FitSettings
from penstock.fitting.tune import Swept, sweep
from penstock.outcomes.grid import Grid
from penstock.outcomes.splits import groups_of, split_by_group
from penstock.policies.base import Policy, draw_of
from penstock.replay import Beliefs
from penstock.types import FloatArray

SIMPLE = ("knn", "kmeans", "ridge", "logistic")
OTHERS = ("blend", "guarded_knn", "kernel", "boosting", "mf", "irt", "stack")
PROPOSED = "stack"
LEAST_ROWS = 500


@dataclass(frozen=True)
class Measured:
    """One estimator on one split: area over the fitted mix on the test rows and on resamples of them
    (1 + DRAWS,), the area out of fold that a choice could be made by, what it explains of the differences
    between candidates, and the processor seconds of fitting."""

    over: FloatArray
    tuned: float
    explained: float
    seconds: float


Found = dict[str, dict[str, list[Measured]]]
"""table -> estimator -> one per split"""


def experiment(settings: Settings) -> Result:
    """Splits 70/30 by question; prompts only; the unguarded routing frontier of each estimator."""
    found: Found = {}
    unused: list[str] = []
    sizes: dict[str, tuple[int, int]] = {}
    for table in sorted(p.name for p in settings.tables.iterdir() if (p / "outcomes.parquet").exists()):
        grid = grid_of(settings, table)
        for seed in range(settings.seeds):
            try:
                fit, test = _split(grid, seed)
            except TableError as error:
                unused.append(f"- `{table}`: {error.message}")
                break
            if len(fit) < min(LEAST_ROWS, settings.rows or LEAST_ROWS):
                unused.append(f"- `{table}`: {len(fit)} fitting queries")
                break
            measured = _measure(fit, test, seed)
            if measured is None:
                unused.append(f"- `{table}`: the cost range is empty")
                break
            sizes[table] = fit.quality.shape
            for name, one in measured.items():
                found.setdefault(table, {}).setdefault(name, []).append(one)
    body = _PAGE.format(
        areas=_areas(found),
        differences=_differences(found),
        explained=_table(found, lambda m: 100 * m.explained, "R2 x 100"),
        seconds=_table(found, lambda m: m.seconds, "seconds"),
        sizes=", ".join(f"{t} {n:,} x {k}" for t, (n, k) in sizes.items()),
        unused="\n".join(unused) or "none",
    )
    return Result("Estimators: which one routes best", body, _claims(found))


def _split(grid: Grid, seed: int) -> tuple[Grid, Grid]:
    """Fitting rows and complete test rows of the candidates selected on fitting rows."""
    fit_rows, test_rows = split_by_group(grid.queries, 0.7, seed)
    fit, test = grid.rows(fit_rows), grid.rows(test_rows)
    names = select_candidates(fit).names
    fit, test = fit.select(names), test.select(names)
    return fit, test.rows(complete_rows(test))


def _measure(fit: Grid, test: Grid, seed: int) -> dict[str, Measured] | None:
    """Every estimator on one split; None where the best fixed candidate is also the cheapest."""
    settings = FitSettings(policies=("routing",), seed=seed)
    rows = prepare_rows(fit, select_candidates(fit).best_fixed, settings)
    cheapest = int(rows.tuned_cost.mean(axis=0).argmin())
    if cheapest == rows.best:
        return None
    judge = _Judge.of(test, cheapest, rows.best, seed)
    inputs = rows.encoder.encode(test.queries)
    singles = fixed(len(fit.candidates))
    nothing = np.zeros_like(test.quality)
    mix = judge.areas(_tuned(singles, rows.no_beliefs(), rows), nothing, test.cost)
    found: dict[str, Measured] = {}
    for name in (*SIMPLE, *OTHERS):
        started = process_time()
        known = believe(estimator(name), rows, settings)
        belief, beliefs = known.model, rows.beliefs(known.ex_ante, known.ex_ante)
        spent = process_time() - started
        means = rows.tuned_quality.mean(axis=0), rows.tuned_cost.mean(axis=0)
        swept = _tuned(family("routing")(beliefs, *means), beliefs, rows)
        quality, cost = belief.before_inputs(inputs)
        over = judge.areas(swept, quality, cost) - mix
        explained = _explained(quality, test.quality, belief.shrinkage.means)
        found[name] = Measured(over, _area_out_of_fold(swept, rows, cheapest), explained, spent)
    return found


def _tuned(policies: Sequence[Policy], beliefs: Beliefs, rows: FittingRows) -> Swept:
    """The hull of what the policies reach on fitting rows."""
    return sweep(policies, beliefs, rows.tuned_quality, rows.tuned_cost, rows.best).hull()


def _area_out_of_fold(swept: Swept, rows: FittingRows, cheapest: int) -> float:
    cost, quality = rows.tuned_cost.mean(axis=0), rows.tuned_quality.mean(axis=0)
    points = swept.cost.mean(axis=1), swept.quality.mean(axis=1)
    return area(*points, float(cost[cheapest]), float(cost[rows.best]), float(quality[cheapest]))


@dataclass(frozen=True)
class _Judge:
    """Test rows, their resamples (the first is the sample itself), and the cost range of each."""

    test: Grid
    weight: FloatArray
    draw: FloatArray
    low: FloatArray
    high: FloatArray
    left: FloatArray

    @classmethod
    def of(cls, test: Grid, cheapest: int, best: int, seed: int) -> _Judge:
        cluster = np.unique(groups_of(test.queries), return_inverse=True)[1]
        drawn = bootstrap_weights(cluster, draws=DRAWS, seed=seed)
        weight = np.concatenate([np.ones((1, len(test))), drawn])
        weight /= weight.sum(axis=1, keepdims=True)
        cost = weight @ test.cost
        draw = np.array([draw_of(q.id, seed) for q in test.queries])
        left = weight @ test.quality[:, cheapest]
        return cls(test, weight, draw, cost[:, cheapest], cost[:, best], left)

    def areas(self, swept: Swept, quality: FloatArray, cost: FloatArray) -> FloatArray:
        """(1 + DRAWS,) area under policies on estimates (n, k), without a maximum over test points."""
        beliefs = Beliefs(quality, quality, cost, self.draw)
        done = sweep(swept.policies, beliefs, self.test.quality, self.test.cost, 0)
        x, y = self.weight @ done.cost.T, self.weight @ done.quality.T
        ends = zip(self.low.tolist(), self.high.tolist(), self.left.tolist(), strict=True)
        return np.array([area(x[b], y[b], *end) for b, end in enumerate(ends)])


def _explained(predicted: FloatArray, quality: FloatArray, means: FloatArray) -> float:
    """Share of the variance of the differences between candidates that is predicted."""

    def contrast(values: FloatArray) -> FloatArray:
        centred: FloatArray = values - means
        apart: FloatArray = centred - centred.mean(axis=1, keepdims=True)
        return apart

    true = contrast(quality)
    return float(1 - ((contrast(predicted) - true) ** 2).sum() / max(float((true**2).sum()), 1e-300))


def _best_simple(methods: Mapping[str, Sequence[Measured]]) -> str:
    """The simple estimator that turned out best on the test rows: a choice nobody could have made."""
    return max(SIMPLE, key=lambda name: _mean(methods[name]))


def _mean(measured: Sequence[Measured]) -> float:
    return fmean(float(m.over[0]) for m in measured)


def _against(a: Sequence[Measured], b: Sequence[Measured]) -> tuple[float, float]:
    """Mean paired difference in area x 100 and its standard error; splits share rows, so their mean is taken
    to be as uncertain as one."""
    differences = [100 * (x.over - y.over) for x, y in zip(a, b, strict=True)]
    return fmean(float(d[0]) for d in differences), fmean(float(d[1:].std(ddof=1)) for d in differences)


def _areas(found: Found) -> str:
    rows = [
        [name, *(f"{100 * _mean(found[t][name]):.2f}" for t in found), f"{_pooled(found, name):.2f}"]
        for name in (*SIMPLE, *OTHERS)
    ]
    return page.table(["AUC x 100 over mix", *found, "mean"], rows)


def _pooled(found: Found, name: str) -> float:
    return fmean(100 * _mean(found[t][name]) for t in found) if found else float("nan")


def _differences(found: Found) -> str:
    """Every other estimator against the best simple one of each table, in hindsight; and what choosing among
    the simple ones by their area out of fold would have got."""
    rows = []
    for name in OTHERS:
        pairs = (_against(found[t][name], found[t][_best_simple(found[t])]) for t in found)
        rows.append([name, *(f"{d:+.2f} ± {e:.2f}" for d, e in pairs)])
    honest = (_against(_picked(found[t]), found[t][_best_simple(found[t])]) for t in found)
    rows.append(["a simple one, picked out of fold", *(f"{d:+.2f} ± {e:.2f}" for d, e in honest)])
    return page.table(["minus the best simple one", *found], rows)


def _picked(methods: Mapping[str, Sequence[Measured]]) -> list[Measured]:
    """On each split the simple estimator of the largest area out of fold."""
    splits = zip(*(methods[name] for name in SIMPLE), strict=True)
    return [max(one, key=lambda m: m.tuned) for one in splits]


def _table(found: Found, value: Callable[[Measured], float], head: str) -> str:
    rows = [
        [name, *(f"{fmean(value(m) for m in found[t][name]):.1f}" for t in found)]
        for name in (*SIMPLE, *OTHERS)
    ]
    return page.table([head, *found], rows)


def _claims(found: Found) -> tuple[Claim, ...]:
    pairs = {t: _against(found[t][PROPOSED], found[t][_best_simple(found[t])]) for t in found}
    honest = {t: _against(found[t][PROPOSED], _picked(found[t])) for t in found}
    below = [t for t, (d, e) in pairs.items() if d < -2 * e]
    better = [t for t, (d, _) in honest.items() if d > 0]
    least = (len(found) + 1) // 2
    where = f" (below on {', '.join(below)})" if below else ""
    return (
        Claim(
            f"{PROPOSED} is not below the best of {', '.join(SIMPLE)} in hindsight by more than two standard "
            f"errors on any table{where}",
            not below,
        ),
        Claim(
            f"{PROPOSED} is above the simple estimator picked out of fold on at least half of the tables "
            f"({len(better)} of {len(found)})",
            len(better) >= least,
        ),
    )


_PAGE = """
Fitting rows x candidates (last split): {sizes}.

Area under the unguarded routing frontier on test rows, above the fitted mix's. Estimates are made from
prompts alone, cross-fitted and shrunk; prices are tuned on out-of-fold estimates; test rows are only
replayed.

{areas}

Paired differences ± one bootstrap standard error over questions. The best simple one is chosen on the test
rows, for every table anew: a bar higher than anything that could have been chosen.

{differences}

What is explained of the differences between candidates (those decide a route):

{explained}

Processor seconds of five-fold cross-fitting and the final fit:

{seconds}

Not used:

{unused}
"""
