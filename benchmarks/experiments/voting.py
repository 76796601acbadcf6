"""Votes as candidates, and who agrees with whom as post-hoc signal: fitted estimators on real answers."""

from __future__ import annotations

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments.compare import Outcome, difference, run_all
from benchmarks.experiments.figure import Panel, clipped, figure
from benchmarks.experiments.fitted import fitted_split
from benchmarks.experiments.methods import (
    CAUTIOUS,
    Method,
    cascade_routing,
    index,
    optimal_cascade,
    routing,
    threshold_cascade,
)
from benchmarks.experiments.result import Claim, Result, Settings
from benchmarks.experiments.tables import grid_of, thinned
from benchmarks.experiments.votes import voting_grid
from penstock.answers.canonical import Normaliser, final_answer, listed_steps
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import split_by_group

KINDS = ("own answer", "per set, as published", "per set", "joint")
METHODS = (
    Method("routing", routing, "own answer"),
    Method("threshold cascade", threshold_cascade, "own answer"),
    *(
        Method(f"{name}, {kind}", family, kind, CAUTIOUS)
        for kind in KINDS
        for name, family in (
            ("optimal cascade", optimal_cascade(10, 5)),
            ("cascade routing", cascade_routing(points=20)),
            ("index", index(runs=5, points=20)),
        )
    ),
)
PLANS = listed_steps({"the", "block", "on", "top", "of", "from"})
TABLES: dict[str, Normaliser] = {
    "zeroeval_gsm": final_answer,
    "zeroeval_numersense_v2": final_answer,
    "zeroeval_crux": final_answer,
    "zeroeval_math_l5": final_answer,
    "mmlu_pro": final_answer,
    "planbench": PLANS,
}
CANDIDATES, MOST_ROWS = 5, 1500


def experiment(settings: Settings) -> Result:
    """``mot_cascade_date`` with voting candidates, then the tables with one answer each."""
    found: dict[str, dict[str, list[Outcome]]] = {}
    pools: dict[str, tuple[str, ...]] = {}
    jobs: dict[str, tuple[OutcomeMatrix, Normaliser]] = {
        "mot_cascade_date": (voting_grid(settings), final_answer)
    }
    for name, normaliser in TABLES.items():
        grid = thinned(grid_of(settings, name), CANDIDATES)
        step = -(-len(grid) // MOST_ROWS)
        jobs[name] = (grid.rows(np.arange(0, len(grid), step)), normaliser)
    for name, (grid, normaliser) in jobs.items():
        pools[f"{name} ({len(grid):,})"] = grid.candidates
        found[name] = _table(grid, normaliser, settings.seeds)
    claims = []
    for name, group in found.items():
        for kind in ("own answer", "per set", "joint"):
            whole = f"cascade routing, {kind}"
            for other in ("routing", f"optimal cascade, {kind}"):
                gap = difference(group[whole], group[other])
                text = f"{name}: {whole} is at least {other}, within the interval: {gap}"
                claims.append(Claim(text, gap.high >= 0, required=False))
    shown = [
        "routing",
        *(f"{p}, {k}" for k in ("own answer", "per set", "joint") for p in ("index", "cascade routing")),
    ]
    panels = []
    for name, group in found.items():
        right = 1e3 * group["linear interpolation"][0].cost.max()
        lines = {
            n: clipped((1e3 * group[n][0].cost, group[n][0].quality), right)
            for n in ["linear interpolation", *shown]
        }
        panels.append(Panel(name, "USD per 1,000 queries", "quality", lines))
    body = _PAGE.format(
        pools="\n".join(f"- {key}: {', '.join(names)}" for key, names in pools.items()),
        areas=page.areas(found),
        gains=_gains(found),
        costs=page.costs(found["zeroeval_gsm"]),
    )
    svg = figure("Votes and agreement, first seed", panels)
    return Result(
        "Voting and agreement: real answers, fitted estimators", body, tuple(claims), {"voting.svg": svg}
    )


def _table(grid: OutcomeMatrix, normaliser: Normaliser, seeds: int) -> dict[str, list[Outcome]]:
    outcomes: dict[str, list[Outcome]] = {}
    for seed in range(seeds):
        fit, test = split_by_group(grid.queries, 0.5, seed)
        split = fitted_split(grid, fit, test, seed=seed, kinds=KINDS, normaliser=normaliser, directions=32)
        run_all(METHODS, split, outcomes)
    return outcomes


def _gains(found: dict[str, dict[str, list[Outcome]]]) -> str:
    """What answers are worth, over routing on the same ex-ante estimates."""
    rows = [
        [
            name,
            *(
                difference(g[n], g["routing"])
                for n in ("index, own answer", "index, per set", "index, joint", "cascade routing, joint")
            ),
        ]
        for name, g in found.items()
    ]
    return page.table(
        ["over routing", "index, own answer", "index, per set", "index, joint", "cascade routing, joint"],
        rows,
    )


_PAGE = """Real answers; every estimate is fitted (nothing simulated). Costs are tokens at the list prices
of the tables where the source recorded none. Half of the questions fit and tune (at most 1,500 per table
are used).

`mot_cascade_date`: "x4 voted" draws four samples, is paid for four and returns the most frequent answer;
samples of different candidates are disjoint; the log of the vote's share stands where a log-probability
would. In the other tables each candidate answers once and an answer is judged by who gives the same one
(`planbench`: the same normalised plan).

{pools}

*Own answer*: each answer moves its own candidate's estimate only. *Per set*: one regression per executed
set with agreement, refined or with the published features. *Joint*: one Gaussian over qualities, estimates
and agreements. Kappa is tuned among 0 (no look is planned for; a disappointing answer still makes for
another call), 0.5 and 1.

{areas}

Paired differences in AUC x 100 with 95% intervals:

{gains}

![curves](voting.svg)

{costs}

Reading: an answer's length by itself tells little (own answer: level with routing); two candidates that
agree tell a lot on short factual answers: clearly on `zeroeval_gsm`, about one point within the interval on
`zeroeval_numersense_v2` and `zeroeval_crux`, nothing on `zeroeval_math_l5`, `mmlu_pro` and `planbench`
(where only two candidates cover every task and none is dearer than the best). On `zeroeval_crux` the
cascade's chain, which is tuned and the others' sets are not, is a little above cascade routing with the
joint Gaussian. Where agreement moves the estimates of candidates that have run already, neither the index
nor cascade routing's sets are optimal (docs/decisions/0008), and replay decides. Tables are small and
intervals wide: a difference below about one point is none here.
"""
