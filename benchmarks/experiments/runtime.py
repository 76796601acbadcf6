"""Decision time as candidates grow (De Koninck et al. 2025, experiments), and 20 candidates made of
RouterBench's 11."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.experiments import page
from benchmarks.experiments.clock import (
    every_set_step,
    microseconds,
    reservation_step,
    side_by_side,
    supermodel_step,
)
from benchmarks.experiments.compare import Outcome, difference, mean_of, run_all
from benchmarks.experiments.figure import Panel, figure
from benchmarks.experiments.methods import Method, cascade_routing, index, lambdas
from benchmarks.experiments.result import Claim, Result, Settings
from benchmarks.experiments.simulated import simulated_split
from benchmarks.experiments.tables import pool, routerbench
from benchmarks.research.simulated import LEVELS
from penstock.core.hashing import uniform_of
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import split_by_group
from penstock.state import State
from penstock.types import Answer, FloatArray

COUNTS = (3, 5, 8, 11, 15, 20, 30, 50, 75, 100)
LAST = {"cascade routing, depth 5": 20, "cascade routing, depth 3": 20, "every set, depth 5": 15}
PRICES = np.linspace(0.0, 1.0, 9)
MANY = 20
STEPS = 12
METHODS = (
    Method("cascade routing, refined", cascade_routing(points=16), "refined"),
    Method("index, refined", index(points=16), "refined"),
)


@dataclass(frozen=True)
class Clock:
    """Microseconds (3, prices) of cascade routing with cap 5, without, and of the index, after other work
    and again.
    """

    first: FloatArray
    again: FloatArray


def experiment(settings: Settings) -> Result:
    """Random qualities and costs; then the extended pool, where outcomes are real."""
    times = random_times(settings.rows or 2000)
    fast = times["index"]
    growth = fast[100] / fast[11]
    law = 100 * np.log(100) / (11 * np.log(11))
    found, clock = _extended(settings)
    capped_us, whole_us, fast_us = clock.again.mean(axis=1).tolist()
    by_price, cold = clock.again[0] / clock.again[2], clock.first.mean(axis=1)
    gap = difference(found["index, refined"], found["cascade routing, refined"])
    claims = (
        Claim(
            f"the index grows as k log k: 11 to 100 candidates take {growth:.1f} times as long, "
            f"k log k {law:.1f} times",
            growth <= 1.5 * law,
        ),
        Claim(
            f"20 candidates, neither with a depth cap: a batched step of the index takes at most 1/100 of "
            f"cascade routing's: {fast_us:.2f} µs of {whole_us:.1f} µs, 1/{whole_us / fast_us:.0f}",
            whole_us >= 100 * fast_us,
        ),
        Claim(
            f"20 candidates, cascade routing spared all sets of more than 5: a step of the (uncapped) index "
            f"takes at most 1/100 of it: {fast_us:.2f} µs of {capped_us:.1f} µs, 1/{capped_us / fast_us:.0f}",
            capped_us >= 100 * fast_us,
        ),
        Claim(
            f"20 candidates: the index is within 0.1 of cascade routing with the same estimates, or above: "
            f"{gap}",
            gap.mean >= -0.1,
        ),
    )
    rows = [[name, *(f"{at[k]:.2f}" if k in at else "–" for k in COUNTS)] for name, at in times.items()]
    lines = {name: (list(at), list(at.values())) for name, at in times.items()}
    panel = Panel("random q and c in [0, 1]", "candidates", "µs per decision", lines, log_x=True, log_y=True)
    body = _PAGE.format(
        times=page.table(["µs per decision", *map(str, COUNTS)], rows),
        prices=STEPS,
        least=f"{by_price.min():.0f}",
        largest=f"{by_price.max():.0f}",
        cold=f"{cold[0] / cold[2]:.0f}",
        areas=page.areas({"20 medium": found}),
        replays=f"{mean_of(found['cascade routing, refined'], 'decide_us'):.1f} and "
        f"{mean_of(found['index, refined'], 'decide_us'):.1f}",
    )
    return Result(
        "Runtime: from 3 to 100 candidates",
        body,
        claims,
        {"runtime.svg": figure("Time of one decision in a batch, one core", [panel])},
    )


def random_times(queries: int) -> dict[str, dict[int, float]]:
    """Method -> candidates -> mean microseconds of a batch's first decision; q, c, lambda in [0, 1]."""
    times: dict[str, dict[int, float]] = {name: {} for name in ("index", *LAST)}
    for k in COUNTS:
        rng = np.random.default_rng(k)
        step = reservation_step(_random_state(rng, queries, k))
        times["index"][k] = float(microseconds(step, PRICES, queries).mean())
        for name, last in LAST.items():
            if k > last:
                continue
            few = max(16, min(queries, 40_000 // k**2) // (8 if name.startswith("every") else 1))
            state = _random_state(rng, few, k)
            depth = int(name[-1])
            make = every_set_step if name.startswith("every") else supermodel_step
            step = make(state, depth)
            times[name][k] = float(microseconds(step, PRICES, few).mean())
    return times


def _random_state(rng: np.random.Generator, n: int, k: int) -> State:
    return State.new(
        quality=rng.random((n, k)), cost=rng.random((n, k)), draw=np.zeros(n), shift_sd=np.full((n, k), 0.1)
    )


def _extended(settings: Settings) -> tuple[dict[str, list[Outcome]], Clock]:
    """20 candidates: areas, and the times of the first seed."""
    grid = extended(pool(routerbench(settings), 11), MANY)
    found: dict[str, list[Outcome]] = {}
    for seed in range(settings.seeds):
        fit, test = split_by_group(grid.queries, 0.3, seed)
        split = simulated_split(grid, fit, test, LEVELS["medium"], seed=seed, kinds=("refined",))
        run_all(METHODS, split, found)
        if seed == 0:
            state = split.sources["refined"][0].begin()
            prices = lambdas(state, STEPS)
            # the same states, estimates and prices for the three, turn by turn
            steps = (supermodel_step(state, 5), supermodel_step(state, MANY), reservation_step(state))
            clock = Clock(*side_by_side(steps, prices, len(state), repeats=9))
    return found, clock


def extended(grid: OutcomeMatrix, count: int) -> OutcomeMatrix:
    """Candidates added that do, query by query, what one of two real ones did (a coin by hash)."""
    k = len(grid.candidates)
    rng = np.random.default_rng(0)
    quality, cost, names = [grid.quality], [grid.cost], list(grid.candidates)
    for extra in range(count - k):
        a, b = rng.choice(k, size=2, replace=False).tolist()
        first = np.array([uniform_of(f"mix:{extra}:{q.id}") < 0.5 for q in grid.queries])
        quality.append(np.where(first, grid.quality[:, a], grid.quality[:, b])[:, None])
        cost.append(np.where(first, grid.cost[:, a], grid.cost[:, b])[:, None])
        names.append(f"mix {extra}: {grid.candidates[a]} / {grid.candidates[b]}")
    wide = np.concatenate(quality, axis=1)
    return replace(
        grid,
        candidates=tuple(names),
        quality=wide,
        cost=np.concatenate(cost, axis=1),
        propensity=np.ones_like(wide),
        answer_of=_no_answer,
    )


def _no_answer(i: int, j: int) -> Answer:
    raise AssertionError("simulated estimates read no answers")


_PAGE = """Random qualities and costs in [0, 1], standard deviation 0.1, nine prices from 0 to 1;
microseconds per query of one batched, compiled step before any run, on one core (the thread's CPU time,
medians of repeated runs, means over the prices). *Every set*: no Lemma 1.

{times}

![time](runtime.svg)

**Simulated estimators on real outcomes, 20 candidates**: RouterBench's 11 and nine more that do, query by
query, what one of two real ones did; medium noise, refined estimates. The times in the claims above are those
of the first step of all test queries of the first seed in one batch, at {prices} prices from where only cheap
candidates pay down to 0: cascade routing (128 draws) and the index turn by turn, each after an untimed run of
its own, on the same estimates, costs and prices; means over the prices. From price to price the index takes
1/{least} (where next to no set is worth a search) to 1/{largest} of cascade routing with cap 5; over the
untimed runs, which begin with what the other step left in the caches, 1/{cold} in the mean. Queries with some
candidates run are in `make benchmark-core`. Whole replays take {replays} µs per query and policy (cascade
routing, index).

{areas}

Reading: the index looks at every candidate once, and doubling the candidates less than doubles its time.
Cascade routing looks at every set that submodularity cannot rule out: with random beliefs that is next to
none (the depth cap makes no difference), with RouterBench's wide beliefs more the nearer the price is to 0.
The index works out rough values from tables, several candidates at a time, and exact ones only where rough
ones lie too close together to decide. Trying every set grows as the sets do.
"""
