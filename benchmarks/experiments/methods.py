"""Methods compared by the experiments: families of policies over lambda and kappa, tuned by replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from penstock.core.curves import concave_hull
from penstock.core.routing import frontier_lambdas, hull_edges
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade, thresholds_for
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.index import Index
from penstock.policies.routing import Routing
from penstock.state import State
from penstock.types import FloatArray

KAPPAS = (0.4, 0.7, 1.0, 1.4)
CAUTIOUS = (0.0, 0.5, 1.0)
"""For fitted estimates; at 0 no look is planned for: only a disappointing answer makes for another call."""
POINTS = 36
MOST_POINTS = 1000
"""Fewer points per family where the experiments themselves are tested."""

Family = Callable[[State, float], list[Policy]]
"""(what is believed of fitting rows before any call, kappa) -> policies to try."""


@dataclass(frozen=True)
class Method:
    """A family of policies on the estimates called ``estimates``, and the kappas it is tuned over."""

    name: str
    family: Family
    estimates: str
    kappas: tuple[float, ...] = (1.0,)


def lambdas(state: State, points: int = POINTS) -> FloatArray:
    """Falling prices: from where only cheap candidates pay to where a look is nearly free, and 0.

    The steepest two per cent of the estimated gains per USD do not set the scale: two candidates of nearly
    equal estimated cost make a slope of any size.
    """
    points = min(points, MOST_POINTS)
    slopes = hull_edges(state.quality, state.cost).slope
    typical = float(np.quantile(slopes, 0.98)) if slopes.size else 0.0
    top = 3.0 * max(typical, 1.0 / float(state.cost.max()))
    return np.concatenate([np.geomspace(top, top / 3e4, points - 1), [0.0]])


def routing(state: State, kappa: float) -> list[Policy]:
    """Routing at its exact breakpoints, spread evenly."""
    edges = hull_edges(state.quality, state.cost)
    return [Routing(float(lam)) for lam in frontier_lambdas(edges, min(POINTS, MOST_POINTS))]


def cascade_routing(
    depth: int = 5, points: int = POINTS, *, greedy: bool = False, expect: bool = True
) -> Family:
    """Cascade routing with at most ``depth`` candidates per query."""

    def family(state: State, kappa: float) -> list[Policy]:
        return [CascadeRouting((float(lam),), kappa, depth, greedy, expect) for lam in lambdas(state, points)]

    return family


def index(runs: int | None = None, max_quality: float | None = 1.0, points: int = POINTS) -> Family:
    """The index policy with at most ``runs`` candidates per query."""

    def family(state: State, kappa: float) -> list[Policy]:
        return [Index(float(lam), kappa, runs, max_quality) for lam in lambdas(state, points)]

    return family


def whole_cascade(depth: int = 5) -> Family:
    """Theorem 2's cascade over all candidates by rising mean cost, as published: no candidate is skipped."""

    def family(state: State, kappa: float) -> list[Policy]:
        order = tuple(np.argsort(state.cost.mean(axis=0), kind="stable").tolist())
        return [OptimalCascade(order, (float(lam),), kappa, depth) for lam in lambdas(state)]

    return family


def optimal_cascade(points: int = POINTS, depth: int | None = None) -> Family:
    """Theorem 2's cascade, tuned over its chain too: the hull of the means and its parts, and all.

    ``depth`` None: as long as its chain.
    """

    def family(state: State, kappa: float) -> list[Policy]:
        everyone = np.argsort(state.cost.mean(axis=0), kind="stable").tolist()
        chains = {tuple(c) for c in chains_of(state)} | {tuple(everyone)}
        return [
            OptimalCascade(chain, (float(lam),), kappa, min(len(chain), depth or len(chain)))
            for chain in sorted(chains)
            for lam in lambdas(state, points)
        ]

    return family


def threshold_cascade(state: State, kappa: float) -> list[Policy]:
    """The baseline: chains of the hull of the means, thresholds of Corollary 1 at a range of prices."""
    cost, quality = state.cost.mean(axis=0), state.quality.mean(axis=0)
    steepest = 1.0 / max(float(cost.min()), 1e-9)
    prices = np.concatenate([[0.0], np.geomspace(steepest / 3e4, steepest, min(POINTS, MOST_POINTS))])
    return [
        ThresholdCascade(tuple(chain), thresholds_for(float(lam), quality[chain], cost[chain]))
        for chain in chains_of(state)
        for lam in prices
    ]


def chains_of(state: State) -> list[list[int]]:
    """The hull of the candidates' believed means, what is left without its first members, and without its
    last ones."""
    hull = concave_hull(state.cost.mean(axis=0), state.quality.mean(axis=0)).tolist()
    return [hull[i:] for i in range(len(hull))] + [hull[:i] for i in range(1, len(hull))]
