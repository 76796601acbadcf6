"""Software agents (SWE-bench Verified): real cost, and the test result as post-hoc signal, or hidden."""

from __future__ import annotations

from benchmarks.experiments import page
from benchmarks.experiments.agents import agent_split
from benchmarks.experiments.compare import Outcome, difference, mean_of, run_all
from benchmarks.experiments.figure import Panel, figure
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
from penstock.outcomes.splits import split_by_group

DEPTH = 10
METHODS = (
    Method("routing", routing, "hidden"),
    Method("cascade routing, test result hidden", cascade_routing(DEPTH), "hidden"),
    Method("threshold cascade", threshold_cascade, "as published"),
    Method("optimal cascade, as published", optimal_cascade(16), "as published"),
    Method("cascade routing, as published", cascade_routing(DEPTH, 24), "as published"),
    Method("index, as published", index(points=24), "as published"),
    Method("optimal cascade, joint", optimal_cascade(12), "joint", CAUTIOUS),
    Method("cascade routing, joint", cascade_routing(DEPTH, 20), "joint", CAUTIOUS),
    Method("index, joint", index(points=20), "joint", CAUTIOUS),
)


def experiment(settings: Settings) -> Result:
    """10 and 5 agents."""
    table = grid_of(settings, "swebench_verified")
    found: dict[str, dict[str, list[Outcome]]] = {}
    names, panels = {}, []
    claims: list[Claim] = []
    for count in (10, 5):
        grid = thinned(table, count)
        outcomes: dict[str, list[Outcome]] = {}
        for seed in range(settings.seeds):
            fit, test = split_by_group(grid.queries, 0.5, seed)
            run_all(METHODS, agent_split(grid, fit, test, seed), outcomes)
        key = f"{count} agents"
        found[key], names[key] = outcomes, grid.candidates
        claims += _claims(key, outcomes)
        lines = {n: (o[0].cost, o[0].quality) for n, o in outcomes.items() if "optimal" not in n}
        panels.append(Panel(key, "USD per issue", "resolved", lines))
    beyond = [
        [name, *(f"{100 * mean_of(found[key][name], 'beyond'):.2f}" for key in found)]
        for name in found["5 agents"]
    ]
    body = _PAGE.format(
        agents="\n".join(f"- {key}: {', '.join(names[key])}" for key in names),
        areas=page.areas(found),
        beyond=page.table(["AUC x 100, to twice the dearest", *found], beyond),
        costs=page.costs(found["10 agents"]),
    )
    svg = figure("SWE-bench Verified, first seed", panels)
    return Result(
        "SWE-bench: real agents, real cost, fitted estimators", body, tuple(claims), {"swebench.svg": svg}
    )


def _claims(key: str, found: dict[str, list[Outcome]]) -> list[Claim]:
    pairs = (
        ("cascade routing, as published", "routing"),
        ("cascade routing, as published", "optimal cascade, as published"),
        ("cascade routing, joint", "routing"),
        ("cascade routing, joint", "optimal cascade, joint"),
        ("index, joint", "cascade routing, as published"),
        ("cascade routing, test result hidden", "routing"),
    )
    claims = []
    for better, than in pairs:
        gap = difference(found[better], found[than])
        text = f"{key}: {better} is at least {than}, within the interval: {gap}"
        claims.append(Claim(text, gap.high >= 0, required=False))
    return claims


_PAGE = """Real outcomes and real cost of agents on `swebench_verified` (site data: non-commercial
licence), half of the issues for fitting and tuning. Estimates are fitted: ex-ante from issue length and
repository; costs from the same, and after a run linear in what ran. A run shows its own test result, which
is how the paper has it; the same with the result hidden beside it (then no answer tells anything). *As
published*: a result moves its own agent's estimate only. *Joint*: one Gaussian over the agents' results, so
that a failure lowers the others'.

{agents}

{areas}

Budgets above the dearest agent count too: a sequence of agents can cost more than any of them and resolve
more.

{beyond}

![curves](swebench.svg)

{costs}

Reading: where the result is visible a sequence of cheap agents with a test in between is worth more than
any choice in advance, up to far beyond the best agent; hidden, nothing beats routing, and routing itself
has little to go by in length and repository. A tester that is always right is the best case: real tests in
production are written by somebody too. With a binary signal thresholds mean nothing between 0 and 1.
"""
