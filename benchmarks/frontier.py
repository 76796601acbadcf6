"""A whole frontier: 50 budgets, tuned on 1,800 queries and replayed on 34,000 (make benchmark-frontier).

Rows of the real table ``routerbench_subset`` are drawn with replacement; estimates are simulated at the
medium noise (De Koninck et al. 2025, experiments). Cascade routing is swept over lambda and kappa on the
tuning rows, and every vertex of the hull that the 50 budgets need is replayed on the others. The plain-Python
time is extrapolated: decisions taken here times the measured time of one plain decision (``plain_c4``). The
last line is JSON; the exit status is 1 where the time or the memory is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from penstock.belief import OwnAnswerBelief
from penstock.codec import take
from penstock.core.draws import normal_draws
from penstock.core.routing import hull_edges
from penstock.estimators.post_hoc.base import whole
from penstock.fitting.sweep import sweep
from penstock.outcomes.io import read_table
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.to_matrix import to_matrix
from penstock.policies.cascade_routing import CascadeRouting
from penstock.router.frontier import Frontier
from penstock.router.replay import replay
from penstock.router.targets import Target, TargetKind
from penstock.types import IntArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import plain_c4
from benchmarks.research.simulated import LEVELS, Simulated, simulate

TUNING, TEST, BUDGETS = 1_800, 34_000, 50
POINTS, KAPPAS, DEPTH, DRAWS = 36, (0.4, 0.7, 1.0, 1.4), 5, 128
MOST_SECONDS, MOST_GIB = 60.0, 2.0
TABLES = Path(os.environ.get("PENSTOCK_TABLES", Path(__file__).parents[2] / "shared" / "data"))


def main() -> int:
    """Tune, replay, compare; 0 where both limits are kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=Path, default=TABLES)
    table = parser.parse_args().tables / "routerbench_subset"
    grid = to_matrix(read_table(table))
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(grid), size=TUNING + TEST)
    simulated = _simulate(grid, drawn)
    quality, cost = grid.quality[drawn], grid.cost[drawn]
    tune, test = np.arange(TUNING), np.arange(TUNING, TUNING + TEST)
    beliefs = {name: _beliefs(simulated, rows) for name, rows in (("tune", tune), ("test", test))}
    _warm(beliefs["tune"], quality, cost)

    started = perf_counter()
    policies = _policies(beliefs["tune"])
    swept = sweep(policies, whole(beliefs["tune"], TUNING), quality[tune], cost[tune], 0)
    decisions = _decisions(swept.cost.shape[0], TUNING, 2.0)
    hull = swept.hull()
    tuned = perf_counter()
    frontier = Frontier(hull.points(), hull.point(len(hull) - 1))
    budgets = np.linspace(hull.points()[0].cost, hull.points()[-1].cost, BUDGETS)
    places = [frontier.locate(Target(TargetKind.BUDGET, float(b))) for b in budgets]
    needed = sorted({v for place in places for v in (place.low, place.high)})
    reached = {v: replay(hull.policies[v], beliefs["test"], quality[test], cost[test]) for v in needed}
    executed = sum(int(r.executed.sum()) + TEST for r in reached.values())
    done = perf_counter()
    achieved = [
        p.gamma * reached[p.low].cost.mean() + (1 - p.gamma) * reached[p.high].cost.mean() for p in places
    ]
    plain = _plain_seconds(beliefs["tune"], [float(p.spec()["lambdas"][0]) for p in hull.policies])
    seconds, peak = done - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    off = float(np.abs(np.array(achieved) / budgets - 1).max())
    print(f"tuned {len(policies)} policies on {TUNING:,} queries in {tuned - started:.1f} s")
    print(f"replayed {len(needed)} vertices for {BUDGETS} budgets on {TEST:,} in {done - tuned:.1f} s")
    print(f"largest gap between budget and cost on the replayed rows: {off:.1%}; peak memory {peak:.2f} GiB")
    total = plain * (decisions + executed)
    print(f"plain Python, extrapolated at {1e3 * plain:.2f} ms a decision: {total / 60:,.0f} minutes")
    figures: dict[str, float] = {
        "seconds": seconds,
        "peak_gib": peak,
        "plain_over_this": total / seconds,
        "cores": os.cpu_count() or 1,
    }
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))
    return 0 if seconds <= MOST_SECONDS and peak <= MOST_GIB else 1


def _simulate(grid: OutcomeMatrix, drawn: IntArray) -> Simulated:
    """Estimates of the drawn rows, each with noise of its own, calibrated on the tuning rows."""
    ids = [f"{grid.queries[i].id}#{n}" for n, i in enumerate(drawn)]
    quality, cost = grid.quality[drawn], grid.cost[drawn]
    return simulate(ids, grid.candidates, quality, cost, np.arange(TUNING), LEVELS["medium"], seed=0)


def _beliefs(simulated: Simulated, rows: IntArray) -> OwnAnswerBelief:
    spread = np.broadcast_to(simulated.shift_sd, (len(rows), len(simulated.shift_sd)))
    expected = np.maximum(simulated.cost_before[rows], 1e-9)
    return OwnAnswerBelief(
        simulated.before[rows], simulated.after[rows], expected, np.zeros(len(rows)), spread
    )


def _policies(beliefs: OwnAnswerBelief) -> list[CascadeRouting]:
    top = 3.0 * float(np.quantile(hull_edges(beliefs.ex_ante, beliefs.cost).slope, 0.98))
    prices = [*np.geomspace(top, top / 3e4, POINTS - 1).tolist(), 0.0]
    return [CascadeRouting((lam,), kappa, DEPTH, draws=DRAWS) for kappa in KAPPAS for lam in prices]


def _warm(beliefs: OwnAnswerBelief, quality: np.ndarray, cost: np.ndarray) -> None:
    """Compile before the clock starts: once per machine, cached on disk."""
    rows = np.arange(300)
    replay(CascadeRouting((10.0,), 1.0, DEPTH, draws=DRAWS), take(beliefs, rows), quality[rows], cost[rows])


def _decisions(policies: int, queries: int, steps: float) -> float:
    """Decisions taken while tuning, at least: every query is decided ``steps`` times under every policy."""
    return policies * queries * steps


def _plain_seconds(beliefs: OwnAnswerBelief, lambdas: list[float]) -> float:
    """Median seconds of one plain decision, nothing executed, over the frontier's prices."""
    draws = normal_draws(DRAWS, beliefs.ex_ante.shape[1]).T.tolist()
    assert beliefs.shift_sd is not None
    taken = []
    for row, lam in enumerate(lambdas[:: max(len(lambdas) // 9, 1)]):
        mean, sd, cost = (a[row].tolist() for a in (beliefs.ex_ante, beliefs.shift_sd, beliefs.cost))
        started = perf_counter()
        plain_c4.decide(mean, sd, cost, frozenset(), lam, DEPTH, draws)
        taken.append(perf_counter() - started)
    return float(np.median(taken))


if __name__ == "__main__":
    sys.exit(main())
