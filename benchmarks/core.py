"""How fast the decision kernels are: make benchmark-core.

Everything runs on one core in this one process; times are CPU times of the thread, medians of repeated runs,
the contestants of one ratio side by side. Beliefs are random with the costs of a real pool's shape (a factor
of a hundred from the cheapest to the dearest of 11 candidates); a third of the decisions each are taken with
none, one and two candidates executed. Figures over plain Python are the least over the prices and
microseconds the worst, the first decision of a query; the index policy over cascade routing is the median
over the prices, the least over the prices, and the least at first decisions. Single decisions, without
numba, are taken one by one on arrays of one row, over the same decisions in a batch of NumPy: by the kernel
and, ``policy_``, by ``Policy.step`` of a ``State`` as the gateway calls it (both sides alike). The last line
is JSON; the exit status is 1 when a figure of ``REQUIRED`` is missed.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np

from penstock.core import _jit
from penstock.core.draws import normal_draws
from penstock.core.index import index_step
from penstock.core.supermodels import best_supermodel
from penstock.policies.base import Policy
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.index import Index
from penstock.state import State
from penstock.types import BoolArray, FloatArray, IntArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import plain_c4

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CANDIDATES, DEPTH, DRAWS = 11, 5, 128
LAMBDAS = (0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
"""Quality per mean cost of the pool: from the best set of five at any price to the cheapest candidate."""
BATCH, SOME, SINGLES, FEW = 3000, 600, 30, 9

REQUIRED = {
    "cascade_routing_over_plain": (">=", 500.0),
    "cascade_routing_us": ("<=", 15.0),
    "index_over_cascade_routing": (">=", 10.0),
    "index_over_cascade_routing_first": (">=", 10.0),
    "index_over_plain": (">=", 5000.0),
    "index_over_cascade_routing_least": (">=", 10.0),
    "single_over_batched_numpy": ("<=", 20.0),
    "index_single_over_batched_numpy": ("<=", 20.0),
    "policy_single_over_batched_numpy": ("<=", 20.0),
    "policy_index_single_over_batched_numpy": ("<=", 20.0),
    "index_growth_over_k_log_k": ("<=", 2.0),
}


@dataclass(frozen=True)
class Beliefs:
    """Decisions to take."""

    mean: FloatArray
    sd: FloatArray
    cost: FloatArray
    executed: IntArray
    run: BoolArray

    def __getitem__(self, rows: slice) -> Beliefs:
        return Beliefs(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def beliefs(n: int, k: int, seed: int) -> Beliefs:
    """Quality rises with cost on average; executed candidates are certain."""
    rng = np.random.default_rng(seed)
    cost = np.geomspace(1, 100, k) * np.exp(rng.normal(0, 0.3, (n, k)))
    mean = np.clip(rng.normal(0.6, 0.15, (n, k)) + np.linspace(-0.15, 0.2, k), 0, 1)
    run = np.argsort(rng.random((n, k)), axis=1) < (np.arange(n) % 3)[:, None]
    sd = np.where(run, 0.0, 0.3 * rng.uniform(0.7, 1.3, (n, k)))
    executed = (run[:, :62] << np.arange(min(k, 62), dtype=np.int64)).sum(axis=1)
    return Beliefs(mean, sd, cost / cost.mean(), executed, run)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median CPU time of the thread."""
    times = []
    for _ in range(repeats):
        begin = time.thread_time()
        work()
        times.append(time.thread_time() - begin)
    return statistics.median(times)


def plain_decisions(b: Beliefs, lam: float, draws: list[list[float]]) -> list[int]:
    chosen = []
    for mean, sd, cost, run in zip(b.mean.tolist(), b.sd.tolist(), b.cost.tolist(), b.run, strict=True):
        executed = frozenset(np.flatnonzero(run).tolist())
        best = plain_c4.decide(mean, sd, cost, executed, lam, DEPTH, draws)
        chosen.append(sum(1 << i for i in best))
    return chosen


def decisions() -> tuple[dict[str, float], list[dict[str, float]]]:
    """The ratios over the prices, and the table behind them."""
    draws = normal_draws(DRAWS, CANDIDATES)
    columns = draws.T.tolist()
    all_, some, few = (beliefs(n, CANDIDATES, 1) for n in (BATCH, SOME, FEW))

    def sets(b: Beliefs, lam: float, compiled: bool) -> IntArray:
        return best_supermodel(
            b.mean, b.sd, b.cost, b.executed, lam, max_depth=DEPTH, draws=draws, compiled=compiled
        )[0]

    def index(b: Beliefs, lam: float, compiled: bool) -> IntArray:
        return index_step(b.mean, b.sd, b.cost, b.executed, lam, compiled=compiled)

    singles = [some[row : row + 1] for row in range(SINGLES)]

    def one_by_one(decide: Callable[[Beliefs, float, bool], IntArray], lam: float) -> None:
        for one in singles:
            decide(one, lam, False)

    first = beliefs(3 * BATCH, CANDIDATES, 1)[slice(None, None, 3)]  # nothing executed yet
    sets(all_, 1.0, True)
    index(all_, 1.0, True)
    rows = []
    for lam in LAMBDAS:
        plain = seconds(partial(plain_decisions, few, lam, columns), 3) / FEW
        if plain_decisions(few, lam, columns) != sets(few, lam, True).tolist():
            sys.exit(
                f"benchmarks/core.py: plain Python decides otherwise at lambda {lam}: the ratio means nothing"
            )
        rows.append(
            {
                "lambda": lam,
                "plain": plain * 1e6,
                "cascade_routing": seconds(partial(sets, all_, lam, True), 9) / BATCH * 1e6,
                "index": seconds(partial(index, all_, lam, True), 9) / BATCH * 1e6,
                "first_routing": seconds(partial(sets, first, lam, True), 9) / BATCH * 1e6,
                "first_index": seconds(partial(index, first, lam, True), 9) / BATCH * 1e6,
                "numpy": seconds(partial(sets, some, lam, False), 5) / SOME * 1e6,
                "numpy_single": seconds(partial(one_by_one, sets, lam), 5) / SINGLES * 1e6,
                "index_numpy": seconds(partial(index, some, lam, False), 5) / SOME * 1e6,
                "index_numpy_single": seconds(partial(one_by_one, index, lam), 5) / SINGLES * 1e6,
            }
        )
    ratios = [row["cascade_routing"] / row["index"] for row in rows]
    first_ratios = [row["first_routing"] / row["first_index"] for row in rows]
    return {
        "cascade_routing_over_plain": min(row["plain"] / row["cascade_routing"] for row in rows),
        "cascade_routing_us": max(row["first_routing"] for row in rows),
        "index_us": max(row["first_index"] for row in rows),
        "index_over_cascade_routing": statistics.median(ratios),
        "index_over_cascade_routing_least": min(ratios),
        "index_over_cascade_routing_first": min(first_ratios),
        "index_over_plain": min(row["plain"] / row["index"] for row in rows),
        "single_over_batched_numpy": max(row["numpy_single"] / row["numpy"] for row in rows),
        "index_single_over_batched_numpy": max(
            row["index_numpy_single"] / row["index_numpy"] for row in rows
        ),
        "index_numpy_single_us": max(row["index_numpy_single"] for row in rows),
    }, rows


def policies() -> tuple[dict[str, float], list[dict[str, float]]]:
    """Single decisions of whole policies over batched ones, numba absent as far as they can tell."""
    b = beliefs(SOME, CANDIDATES, 1)
    state = replace(State.new(b.mean, b.cost, np.zeros(SOME), shift_sd=b.sd), executed=b.run)
    singles = [state.rows(np.array([row])) for row in range(SINGLES)]
    rows = []
    with patch.object(_jit, "installed", lambda: False):
        for lam in LAMBDAS:
            row = {"lambda": lam}
            for name, policy in (
                ("policy", CascadeRouting((lam,), max_depth=DEPTH, draws=DRAWS)),
                ("policy_index", Index(lam)),
            ):

                def one_by_one(policy: Policy = policy) -> None:
                    for one in singles:
                        policy.step(one)

                row[name] = seconds(partial(policy.step, state), 5) / SOME * 1e6
                row[f"{name}_single"] = seconds(one_by_one, 5) / SINGLES * 1e6
            rows.append(row)
    return {
        f"{name}_single_over_batched_numpy": max(row[f"{name}_single"] / row[name] for row in rows)
        for name in ("policy", "policy_index")
    }, rows


def growth() -> tuple[dict[str, float], list[dict[str, float]]]:
    """Microseconds of one index decision, and of one with at most five runs, for 3 to 100 candidates."""
    rows = []
    for k in (3, 5, 10, 20, 50, 100):
        b = beliefs(BATCH, k, 2)

        def step(b: Beliefs = b, max_calls: int | None = None, n: int = BATCH) -> None:
            part = b[slice(n)]
            index_step(part.mean, part.sd, part.cost, part.run, 0.1, max_calls=max_calls, compiled=True)

        step()
        capped = seconds(partial(step, max_calls=5, n=300), 3) / 300
        rows.append({"candidates": k, "index": seconds(step, 9) / BATCH * 1e6, "capped_5": capped * 1e6})
    small, large = rows[2], rows[-1]
    ideal = 100 * np.log(100) / (10 * np.log(10))
    return {"index_growth_over_k_log_k": large["index"] / small["index"] / float(ideal)}, rows


def show(rows: list[dict[str, float]]) -> None:
    print("".join(f"{name:>19}" for name in rows[0]))
    for row in rows:
        print("".join(f"{value:>19.4g}" for value in row.values()))


def main() -> int:
    if any(
        os.environ.get(name) != "1" for name in ONE_THREAD
    ):  # read when NumPy is loaded: begin again with them
        os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
        os.execv(sys.executable, [sys.executable, *sys.argv])
    figures, table = decisions()
    print(f"microseconds per decision, {CANDIDATES} candidates, depth {DEPTH}, {DRAWS} draws")
    show(table)
    more, stepped = policies()
    print("\nmicroseconds per step of a policy without numba, in a batch and one by one")
    show(stepped)
    figures |= more
    more, grown = growth()
    print("\nmicroseconds per index decision as candidates grow")
    show(grown)
    figures |= more
    missed = []
    for name, (sign, limit) in REQUIRED.items():
        if not (figures[name] >= limit if sign == ">=" else figures[name] <= limit):
            missed.append(name)
            print(f"missed: {name} is {figures[name]:.3g}, required {sign} {limit:g}")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()} | {"missed": missed}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
