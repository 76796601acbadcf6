"""Which chains of candidates threshold cascades are tried on."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from penstock.core.curves import concave_hull
from penstock.types import FloatArray

MEMBERS = 5
"""At most so many candidates of the hull, evenly spaced along it."""


def chains(quality: FloatArray, cost: FloatArray) -> list[tuple[int, ...]]:
    """Chains over the hull of fixed candidates, from their mean quality and cost (k,): every pair, and every
    longer chain that ends with the hull's last. Empty where one candidate is best and cheapest."""
    hull = concave_hull(cost, quality).tolist()
    if len(hull) > MEMBERS:
        picked = np.unique(np.linspace(0, len(hull) - 1, MEMBERS).astype(int))
        hull = [hull[i] for i in picked]
    found: list[tuple[int, ...]] = list(combinations(hull, 2))
    for length in range(3, len(hull) + 1):
        found += [chain for chain in combinations(hull, length) if chain[-1] == hull[-1]]
    return found


def levels(values: FloatArray, points: int) -> FloatArray:
    """Rising thresholds over ``values`` (n,): quantiles from the least, which keeps everything, to just above
    the largest, which keeps nothing (docs/references.md: a threshold rule needs its full range)."""
    inner = np.quantile(values, np.linspace(0.0, 1.0, points))
    return np.unique([*inner, np.nextafter(float(values.max()), np.inf)])


def chain_lambdas(chain: tuple[int, ...], quality: FloatArray, cost: FloatArray, points: int) -> list[float]:
    """0 and rising prices over the slopes of a chain's mean qualities and costs; none where nothing gains."""
    steepest = max(
        (quality[b] - quality[a]) / max(cost[b] - cost[a], 1e-300) for a, b in combinations(chain, 2)
    )
    if steepest <= 0:
        return []
    return [0.0, *np.geomspace(steepest / 100, steepest * 3, points - 1).tolist()]
