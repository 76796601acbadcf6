"""Where sequential policies gain: estimator noise before and after a run (De Koninck et al. 2025,
experiments), 5 candidates."""

from __future__ import annotations

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments.compare import Outcome, difference, run_all
from benchmarks.experiments.figure import Panel, figure
from benchmarks.experiments.methods import Method, cascade_routing, index, routing, threshold_cascade
from benchmarks.experiments.result import Result, Settings
from benchmarks.experiments.simulated import simulated_split
from benchmarks.experiments.tables import pool, routerbench
from benchmarks.research.simulated import NoiseLevel
from penstock.outcomes.splits import split_by_group

METHODS = (
    Method("routing", routing, "refined"),
    Method("threshold cascade", threshold_cascade, "published"),
    Method("cascade routing, as published", cascade_routing(points=24), "published"),
    Method("cascade routing, refined", cascade_routing(points=24), "refined"),
    Method("index, refined", index(points=24), "refined"),
)
PAIRS = (
    ("cascade routing, as published", "routing"),
    ("cascade routing, as published", "threshold cascade"),
    ("cascade routing, refined", "cascade routing, as published"),
    ("index, refined", "cascade routing, refined"),
)
HIGHEST = 3.0
Cells = dict[tuple[float, float], dict[str, list[Outcome]]]


def experiment(settings: Settings) -> Result:
    """Every pair of noises with after <= before."""
    step = 0.2 if settings.fine else 0.6
    levels = [round(x, 1) for x in np.arange(0.0, HIGHEST + step / 2, step).tolist()]
    grid = pool(routerbench(settings), 5)
    cells: Cells = {}
    for before in levels:
        for after in (x for x in levels if x <= before):
            noise = NoiseLevel(before, after, 2e-4, 5e-5)
            found: dict[str, list[Outcome]] = {}
            for seed in range(settings.seeds):
                fit, test = split_by_group(grid.queries, 0.3, seed)
                kinds = ("published", "refined")
                run_all(METHODS, simulated_split(grid, fit, test, noise, seed=seed, kinds=kinds), found)
            cells[before, after] = found
    panels = []
    for better, than in PAIRS:
        lines = {}
        for before in levels[1:]:
            at = [a for a in levels if a <= before]
            lines[f"noise before {before:g}"] = (at, [_gap(cells[before, a], better, than) for a in at])
        panels.append(Panel(f"{better} − {than}"[:64], "noise after", "AUC x 100", lines))
    parts = [_matrix(cells, levels, better, than) for better, than in PAIRS]
    body = _PAGE.format(parts="\n\n".join(parts), step=step)
    return Result(
        "Noise grid: simulated estimators of any quality on real outcomes",
        body,
        (),
        {"noise-grid.svg": figure("Gains by estimator noise, 5 candidates of RouterBench", panels)},
    )


def _gap(found: dict[str, list[Outcome]], better: str, than: str) -> float:
    return difference(found[better], found[than]).mean


def _matrix(cells: Cells, levels: list[float], better: str, than: str) -> str:
    """Rows: noise before; columns: after; a star where the 95% interval excludes 0."""
    rows = []
    for before in levels:
        row = [f"{before:g}"]
        for after in levels:
            if after > before:
                row.append("")
                continue
            gap = difference(cells[before, after][better], cells[before, after][than])
            row.append(f"{gap.mean:+.2f}" + ("*" if gap.low > 0 or gap.high < 0 else ""))
        rows.append(row)
    head = ["before \\ after", *(f"{x:g}" for x in levels)]
    return f"### {better} − {than}\n\n{page.table(head, rows)}"


_PAGE = """**Simulated estimators on real outcomes**: 5 candidates of RouterBench, low cost noise, quality
noise (standard deviation) before and after a run on a grid of step {step:g}, after <= before. AUC x 100; a
star where the paired 95% interval excludes 0.

![gains](noise-grid.svg)

{parts}

Reading: down the first column answers reveal everything, and the gain over routing grows with what was not
known before, to about 12 points; on the diagonal an answer shows as little as was known already, and as
published nothing is gained there: the second showing replaces the first. What is gained near the diagonal
comes from keeping both, which is what refining does, and there the difference between the two is largest.
The threshold cascade, one chain with thresholds, is below everywhere. The index gains over cascade routing
where answers are worth something.
"""
