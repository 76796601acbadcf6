"""Stability against the number of fitting rows (De Koninck et al. 2025, reviews)."""

from __future__ import annotations

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments.compare import Outcome, mean_of, run_all
from benchmarks.experiments.figure import Panel, figure
from benchmarks.experiments.fitted import fitted_split
from benchmarks.experiments.methods import (
    CAUTIOUS,
    Method,
    cascade_routing,
    index,
    routing,
    threshold_cascade,
)
from benchmarks.experiments.result import Result, Settings
from benchmarks.experiments.simulated import simulated_split
from benchmarks.experiments.tables import pool, routerbench
from benchmarks.research.simulated import LEVELS
from penstock.answers.canonical import short_text
from penstock.outcomes.splits import split_by_group

SIZES = (50, 100, 200, 400, 800, 1500)
SIMULATED = (
    Method("routing", routing, "refined"),
    Method("threshold cascade", threshold_cascade, "published"),
    Method("cascade routing, as published", cascade_routing(points=24), "published"),
    Method("cascade routing, refined", cascade_routing(points=24), "refined"),
    Method("index, refined", index(points=24), "refined"),
    Method("index, joint Gaussian", index(points=16), "joint"),
)
FITTED = (
    Method("routing", routing, "own answer"),
    Method("threshold cascade", threshold_cascade, "own answer"),
    Method("cascade routing, own answer", cascade_routing(points=16), "own answer", CAUTIOUS),
    Method("index, own answer", index(points=16), "own answer", CAUTIOUS),
    Method("index, joint", index(points=16), "joint", CAUTIOUS),
)
Found = dict[str, dict[str, list[Outcome]]]


def experiment(settings: Settings) -> Result:
    """The same test rows for every size; smaller fitting sets are parts of larger ones."""
    grid = pool(routerbench(settings), 5)
    simulated: Found = {}
    fitted: Found = {}
    for seed in range(settings.seeds):
        fit, test = split_by_group(grid.queries, 0.7, seed)
        order = np.random.default_rng(seed).permutation(fit)
        for size in (s for s in SIZES if s <= len(order)):
            part = np.sort(order[:size])
            noise = LEVELS["medium"]
            kinds = ("published", "refined", "joint")
            split = simulated_split(grid, part, test, noise, seed=seed, kinds=kinds)
            run_all(SIMULATED, split, simulated.setdefault(f"{size}", {}))
            split = fitted_split(
                grid,
                part,
                test,
                seed=seed,
                kinds=("own answer", "joint"),
                normaliser=short_text,
                directions=48,
            )
            run_all(FITTED, split, fitted.setdefault(f"{size}", {}))
    panels = [
        _panel("simulated, medium noise", simulated, [m.name for m in SIMULATED]),
        _panel("fitted", fitted, [m.name for m in FITTED]),
    ]
    body = _PAGE.format(
        simulated=page.areas(simulated),
        fitted=page.areas(fitted),
        spread=_spread(simulated),
        fitted_spread=_spread(fitted),
    )
    svg = figure("AUC by fitting rows, 5 candidates of RouterBench", panels)
    return Result("Fitting rows: how many it takes", body, (), {"train-size.svg": svg})


def _panel(title: str, found: Found, names: list[str]) -> Panel:
    sizes = [float(s) for s in found]
    lines = {n: (sizes, [100 * mean_of(found[s][n], "auc") for s in found]) for n in names}
    return Panel(title, "fitting rows", "AUC x 100", lines, log_x=True)


def _spread(found: Found) -> str:
    """Standard deviation of AUC x 100 from seed to seed."""
    names = [n for n in next(iter(found.values())) if n not in ("linear interpolation", "oracle")]
    rows = [[n, *(f"{100 * np.std([o.auc for o in found[s][n]]):.2f}" for s in found)] for n in names]
    return page.table(["sd over seeds", *found], rows)


_PAGE = """5 candidates of RouterBench, 30% of questions for testing, the same for every size; smaller
fitting sets are parts of larger ones, and everything (calibration, estimators, tuning) is fitted on them
alone. Columns are fitting rows.

**Simulated estimators on real outcomes**, medium noise:

{simulated}

{spread}

**Fitted estimators**, prompt features and answers:

{fitted}

{fitted_spread}

![areas](train-size.svg)

Reading: with simulated estimates only a regression line per candidate and a frontier are fitted, and a few
hundred rows do, as the paper says; the joint Gaussian, which has many more numbers to learn, needs 400 to
catch up and gains nothing over the plain index here. Fitted estimators are another matter: what they know
grows with every row, routing included, and with 100 rows or fewer a sequence is no better than the mix of
fixed candidates. Standard deviations hold the variation of test rows as well, which all sizes share.
"""
