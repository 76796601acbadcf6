"""Which ex-ante estimator routes best: every one on every real table with costs and enough rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from benchmarks.experiments import page
from benchmarks.experiments.result import Claim, Result, Settings
from benchmarks.experiments.routed import Found, Measured, against, measure, over_tables
from penstock.estimators.ex_ante.ensemble import ENSEMBLE

SIMPLE = ("knn", "kmeans", "ridge", "logistic")
OTHERS = ("blend", "kernel", "mf", "stack", ENSEMBLE)
PROPOSED = ENSEMBLE
LEAST_ROWS = 500


def experiment(settings: Settings) -> Result:
    """Splits 70/30 by question; prompts only; the unguarded routing frontier of each estimator."""
    names = (*SIMPLE, *OTHERS)
    found, unused, sizes = over_tables(settings, LEAST_ROWS, lambda f, t, seed: measure(f, t, seed, names))
    body = _PAGE.format(
        areas=_areas(found),
        differences=_differences(found),
        explained=_table(found, lambda m: 100 * m.explained, "R2 x 100"),
        seconds=_table(found, lambda m: m.seconds, "seconds"),
        sizes=", ".join(f"{t} {n:,} x {k}" for t, (n, k) in sizes.items()),
        unused="\n".join(unused) or "none",
    )
    return Result("Estimators: which one routes best", body, _claims(found))


def _best_simple(methods: Mapping[str, Sequence[Measured]]) -> str:
    """The simple estimator that turned out best on the test rows: a choice nobody could have made."""
    return max(SIMPLE, key=lambda name: _mean(methods[name]))


def _mean(measured: Sequence[Measured]) -> float:
    return fmean(float(m.over[0]) for m in measured)


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
        pairs = (against(found[t][name], found[t][_best_simple(found[t])]) for t in found)
        rows.append([name, *(f"{d:+.2f} ± {e:.2f}" for d, e in pairs)])
    honest = (against(_picked(found[t]), found[t][_best_simple(found[t])]) for t in found)
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
    pairs = {t: against(found[t][PROPOSED], found[t][_best_simple(found[t])]) for t in found}
    honest = {t: against(found[t][PROPOSED], _picked(found[t])) for t in found}
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

Processor seconds of five-fold cross-fitting and the final fit (`ensemble` is put together from the others
that `--estimator auto` tries):

{seconds}

Not used:

{unused}
"""
