"""What looking at answers reached, and how much there was to reach, table by table."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments.agreement_rules import most_saving, rules
from benchmarks.experiments.result import Result, Settings
from benchmarks.experiments.tables import grid_of
from penstock.core.curves import concave_hull
from penstock.core.routing import frontier_lambdas, hull_edges, route
from penstock.estimators.comparison.choose_form import choose_normaliser, normaliser
from penstock.estimators.comparison.comparison import codes
from penstock.evaluation.replay_on import HeldOutRows, OperatingCurve, replay_on
from penstock.evaluation.subject import of_fit
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import Fit
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import split_by_group
from penstock.types import FloatArray

TABLES = (
    "zeroeval_gsm",
    "zeroeval_numersense_v2",
    "mot_cascade_date",
    "zeroeval_crux",
    "zeroeval_math_l5",
    "mmlu_pro",
    "planbench",
    "routerbench_subset",
)
SHARE = 0.99
COLUMNS = (
    "mix",
    "best routing",
    "best looking",
    "looking, points in hindsight",
    "agreement rule, tuned",
    "agreement rule in hindsight",
    "oracle",
)


@dataclass(frozen=True)
class Reached:
    """Saving and quality kept at the point chosen for 99% of the best fixed candidate's quality."""

    saving: float
    kept: float


def experiment(settings: Settings) -> Result:
    """Every table, ``seeds`` splits."""
    rows = []
    for name in TABLES:
        grid = grid_of(settings, name)
        found: dict[str, list[Reached]] = {column: [] for column in COLUMNS}
        for seed in range(settings.seeds):
            for column, reached in _one(grid, seed).items():
                found[column].append(reached)
        rows.append([name, *map(_cell, found.values())])
    body = _PAGE.format(table=page.table(["saving % (quality kept %)", *COLUMNS], rows), seeds=settings.seeds)
    return Result("Ceilings: what looking at answers reached, and could have", body)


def _cell(reached: list[Reached]) -> str:
    if not reached:
        return "–"
    saving, kept = (100 * float(np.mean(values)) for values in zip(*map(astuple, reached), strict=True))
    return f"{saving:.0f} ({kept:.1f})"


def _one(grid: OutcomeMatrix, seed: int) -> dict[str, Reached]:
    fit_rows, test_rows = split_by_group(grid.queries, 0.7, seed)
    fitted = fit_matrix(grid.rows(fit_rows), FitSettings(seed=seed))
    subject = of_fit(fitted)
    rows = HeldOutRows.of(grid.rows(test_rows), subject, seed)
    best = fitted.selection.names.index(fitted.selection.best_fixed)
    quality, cost = rows.matrix.quality, rows.matrix.cost
    held_out = replay_on(subject, rows)
    top = (float(cost[:, best].mean()), float(quality[:, best].mean()))

    def at(curve: OperatingCurve) -> Reached:
        return Reached(1 - float(curve.cost.mean()) / top[0], float(curve.quality.mean()) / top[1])

    found = {"mix": at(held_out.options["mix/mean"].at_share[SHARE])}
    for column, looks in (("best routing", False), ("best looking", True)):
        name = _best(fitted, looks)
        if name is not None:
            found[column] = at(held_out.options[name].at_share[SHARE])
            if looks:
                curve = held_out.options[name].unguarded
                points = (
                    np.append(curve.cost.mean(axis=1), top[0]),
                    np.append(curve.quality.mean(axis=1), top[1]),
                )
                found["looking, points in hindsight"] = _in_hindsight(*points, top)
    found |= _ruled(grid.rows(fit_rows).select(fitted.selection.names), rows.matrix, best, top)
    lambdas = frontier_lambdas(hull_edges(quality, cost), 400)
    picked = [route(quality, cost, float(lam)) for lam in lambdas]
    at_row = np.arange(len(quality))
    spent = np.array([cost[at_row, p].mean() for p in picked])
    got = np.array([quality[at_row, p].mean() for p in picked])
    return found | {"oracle": _in_hindsight(spent, got, top)}


def _best(fitted: Fit, looks: bool) -> str | None:
    """The best routing option, or the best that looks at answers, by its area on tuning rows."""
    names = [n for n in fitted.options if not n.startswith("mix/") and n.startswith("routing/") is not looks]
    return max(names, key=lambda n: fitted.options[n].auc, default=None)


def _in_hindsight(cost: FloatArray, quality: FloatArray, top: tuple[float, float]) -> Reached:
    """The cheapest mix of points that keeps exactly the share, chosen on the rows it is measured on."""
    hull = concave_hull(cost, quality)
    x, y, wanted = cost[hull], quality[hull], SHARE * top[1]
    at = int(np.searchsorted(y, wanted))
    if at >= len(y):
        return Reached(1 - float(x[-1]) / top[0], float(y[-1]) / top[1])
    if at == 0:
        return Reached(1 - float(x[0]) / top[0], float(y[0]) / top[1])
    share = (y[at] - wanted) / (y[at] - y[at - 1])
    return Reached(1 - float(share * x[at - 1] + (1 - share) * x[at]) / top[0], SHARE)


def _ruled(
    fit: OutcomeMatrix, test: OutcomeMatrix, best: int, top: tuple[float, float]
) -> dict[str, Reached]:
    """The rule that saves most at the share on fitting rows, and the one that does on test rows."""
    form = choose_normaliser(fit).name
    if form is None or fit.quality.shape[1] < 3:
        return {}
    fit = fit.rows(fit.complete)
    most = 4 if len(fit) < 3000 else 3
    tuned, tested = (
        [
            (float(r.cost.mean()), float(r.quality.mean()))
            for r in rules(part, codes(part, normaliser(form)), best, most=most)
        ]
        for part in (fit, test)
    )
    cost, quality = (np.array(values) for values in zip(*tested, strict=True))
    fit_cost, fit_quality = (np.array(values) for values in zip(*tuned, strict=True))
    chosen = most_saving(fit_cost, fit_quality, SHARE * float(fit.quality[:, best].mean()))
    hindsight = most_saving(cost, quality, SHARE * top[1])
    return {
        "agreement rule, tuned": Reached(1 - cost[chosen] / top[0], quality[chosen] / top[1]),
        "agreement rule in hindsight": Reached(1 - cost[hindsight] / top[0], quality[hindsight] / top[1]),
    }


_PAGE = """
How much of the best fixed candidate's cost is saved at 99% of its quality, on test rows, mean over {seeds}
splits; in brackets the quality kept. Only the first three columns and the tuned rule could have been chosen
without seeing test rows. *Best routing* and *best looking* are guarded: they are the mix where nothing
clears.

{table}

- *looking, points in hindsight*: the same policy's points, the operating point chosen on the test rows
  themselves: what is lost to not knowing where 99% lies, and to the guard.
- *agreement rule*: ask a set of two to four candidates (two or three on the largest table), accept what
  enough of them say, else ask the best fixed candidate; the set and the number chosen on fitting rows, or
  in hindsight among some thousand rules on a few hundred test rows, which flatters.
- *oracle*: per query the cheapest candidate that is right, known beforehand. No policy can know it.

What stands between *looking* and the oracle differs by table. Where candidates are strong and make
unrelated mistakes (`zeroeval_gsm`, `zeroeval_numersense_v2`) agreement gives nearly all there is. On
`zeroeval_crux` a rule picked on fitting rows (three cheap candidates agree) saves more than looking ahead
does, even at points chosen in hindsight: there it is the law of answers that falls short, and not only the
choice of a point. Answers are compared to the letter on this table, because its scorer counts spelling: a
loose comparison takes right and wrong answers for the same.

On `zeroeval_math_l5` nothing cheap is good enough: the second best candidate is right half as often as the
best one, and any rule that asks others first pays for them and asks it anyway. On `planbench` two
candidates are left, plans are long and right ones differ, so agreement says little; what is saved there
comes from the prompt and the answer's own signs. On `mmlu_pro` and `routerbench_subset` wrong answers to
multiple-choice questions coincide often, which makes every agreement worth less.
"""
