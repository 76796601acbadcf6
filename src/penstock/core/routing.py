"""Optimal routing for a budget, exactly (De Koninck et al. 2025, Theorem 1).

For estimated qualities q (n, k) and costs c (n, k) the best routing at price lambda takes, per query, the
argmax of q - lambda * c. As lambda falls from infinity every query walks up the concave hull of its (c, q)
points, one edge at a time; sorting the edges of all queries by slope gives every achievable expected cost at
once. There is no search: O(n k log(n k)) after the hulls.

Preconditions: finite arrays of equal shape, c >= 0, k >= 1, n >= 1; ineligible candidates carry q = -inf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.types import BoolArray, FloatArray, IntArray

TIE = 1e-9
"""Two scores closer than this, relative to the size of what they are made of, are one score."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Hull edges of all queries by falling slope: at price ``slope`` query ``row`` moves to candidate
    ``to``."""

    start: IntArray
    """(n,) where every query stands at an infinite price: its cheapest candidate, the better one at ties."""
    row: IntArray
    to: IntArray
    slope: FloatArray
    cost: FloatArray
    """(e,) increase of the query's cost along the edge."""
    quality: FloatArray
    """(e,) increase of the query's quality along the edge, > 0."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The optimal routing for one budget: mix s_MIN (probability ``gamma``) and s_MAX at price ``lam``.

    ``cheap`` and ``expensive`` (n,) are the two deterministic routings; costs and qualities are means over
    queries.
    """

    lam: float
    gamma: float
    cheap: IntArray
    expensive: IntArray
    cost: float
    quality: float


def hull_edges(quality: FloatArray, cost: FloatArray) -> Edges:
    """The increasing part of every query's upper concave hull, edges sorted by falling slope."""
    n, _ = quality.shape
    rows = np.arange(n)
    at = start = _cheapest(quality, cost)
    found: list[tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]] = []
    active = rows
    while active.size:
        here = at[active]
        rise = quality[active] - quality[active, here][:, None]
        run = cost[active] - cost[active, here][:, None]
        upward = (rise > 0) & (run > 0)
        slope = np.divide(rise, run, out=np.full_like(rise, -np.inf), where=upward)
        best = slope.max(axis=1, initial=-np.inf)
        # the farthest of the points on the steepest edge, so that collinear points are one edge
        reach = np.where(upward & (slope >= best[:, None] * (1 - TIE)), run, -np.inf)
        to = reach.argmax(axis=1)
        moves = np.flatnonzero(upward.any(axis=1))
        active, to = active[moves], to[moves]
        d_quality, d_cost = rise[moves, to], run[moves, to]
        found.append((active, to, d_quality / d_cost, d_cost, d_quality))
        at = at.copy()
        at[active] = to
    row, to_, slope_, d_cost_, d_quality_ = (
        np.concatenate(parts) if parts else np.empty(0) for parts in zip(*found, strict=True)
    )
    # within a query slopes fall, so a stable sort keeps each query's edges in order
    order = np.argsort(-slope_, kind="stable")
    return Edges(
        start,
        row[order].astype(np.int64),
        to_[order].astype(np.int64),
        slope_[order],
        d_cost_[order],
        d_quality_[order],
    )


def solve_budget(quality: FloatArray, cost: FloatArray, budget: float) -> Solution | None:
    """The optimal routing whose mean cost is at most ``budget``; None where even the cheapest costs more.

    ``gamma`` is the probability of the cheap branch, (B+ - B) / (B+ - B-). A slack budget gives lambda 0 and
    the cheapest of each query's best candidates.
    """
    n = len(quality)
    edges = hull_edges(quality, cost)
    rows = np.arange(n)
    base_cost, base_quality = cost[rows, edges.start].mean(), quality[rows, edges.start].mean()
    if base_cost > budget * (1 + TIE):
        return None
    spent = base_cost + np.concatenate([[0.0], np.cumsum(edges.cost)]) / n
    gained = base_quality + np.concatenate([[0.0], np.cumsum(edges.quality)]) / n
    ends = _group_ends(edges.slope)
    over = np.flatnonzero(spent[ends] > budget * (1 + TIE))
    if over.size == 0:
        everyone = walk(edges, len(edges.row))
        return Solution(0.0, 1.0, everyone, everyone, float(spent[-1]), float(gained[-1]))
    group = int(over[0])
    last, first = int(ends[group]), int(ends[group - 1]) if group else 0
    gamma = float(np.clip((spent[last] - budget) / (spent[last] - spent[first]), 0.0, 1.0))
    return Solution(
        lam=float(edges.slope[first]),
        gamma=gamma,
        cheap=walk(edges, first),
        expensive=walk(edges, last),
        cost=float(gamma * spent[first] + (1 - gamma) * spent[last]),
        quality=float(gamma * gained[first] + (1 - gamma) * gained[last]),
    )


def route(quality: FloatArray, cost: FloatArray, lam: float, *, prefer_expensive: bool = False) -> IntArray:
    """argmax of quality - lam * cost per query; among equals the cheapest (s_MIN), or the dearest (s_MAX).

    Returns (n,) candidate columns; -1 where every candidate is ineligible (quality -inf).
    """
    score = quality - lam * cost
    best = score.max(axis=1)
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(score)
        size = np.where(usable, np.abs(quality) + lam * cost, 0.0)
        # a tie is judged by the size of the two that tie: an expensive third candidate must not blur the
        # cheap ones
        leader = np.take_along_axis(size, score.argmax(axis=1)[:, None], axis=1)
        tied = usable & (score >= best[:, None] - TIE * np.maximum(size, leader))
    key = np.where(tied, cost if prefer_expensive else -cost, -np.inf)
    # among candidates of equal score and cost the better estimate, then the pool's order
    equal = tied & (key >= key.max(axis=1)[:, None])
    choice = np.where(equal, quality, -np.inf).argmax(axis=1)
    return np.where(usable.any(axis=1), choice, -1)


def walk(edges: Edges, count: int) -> IntArray:
    """(n,) where every query stands after the first ``count`` edges."""
    at = edges.start.copy()
    at[edges.row[:count]] = edges.to[:count]  # of repeated rows the last assignment holds
    return at


def frontier_lambdas(edges: Edges, points: int) -> FloatArray:
    """Prices, falling, that spread the routing's frontier evenly over the queries that move; ends included.

    The exact breakpoints are the edge slopes; with thousands of queries ``points`` of them describe
    the curve.
    """
    slopes = np.unique(edges.slope)[::-1]
    if slopes.size == 0:
        return np.zeros(1)
    picked = np.unique(np.linspace(0, slopes.size - 1, points).astype(int))
    return np.concatenate([[slopes[0] * 2.0], slopes[picked], [0.0]])


def _cheapest(quality: FloatArray, cost: FloatArray) -> IntArray:
    usable = np.isfinite(quality)
    price = np.where(usable, cost, np.inf)
    cheapest = usable & (price <= price.min(axis=1)[:, None])
    choice: IntArray = np.where(cheapest, quality, -np.inf).argmax(axis=1)
    return choice


def _group_ends(slope: FloatArray) -> IntArray:
    """Positions (exclusive) where runs of equal slope end."""
    if slope.size == 0:
        return np.zeros(1, dtype=np.int64)
    changes: BoolArray = slope[1:] < slope[:-1] * (1 - TIE)
    return np.concatenate([np.flatnonzero(changes) + 1, [slope.size]])
