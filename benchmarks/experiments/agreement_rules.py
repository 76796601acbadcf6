"""The simplest rules of agreement: ask two to four candidates, accept what enough of them say, else ask the
best.

What is to be beaten by a policy that learns, and, picked in hindsight, a mark of what agreement can reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import FloatArray, IntArray


@dataclass(frozen=True)
class Ruled:
    """One rule on n queries: ``quality`` and ``cost`` (n,)."""

    asked: tuple[int, ...]
    needed: int
    quality: FloatArray
    cost: FloatArray


def rules(grid: OutcomeMatrix, code: IntArray, best: int, *, most: int = 4) -> Iterator[Ruled]:
    """Every rule over sets of two to ``most`` candidates without the ``best``; ``code`` (n, k)."""
    n, k = grid.quality.shape
    quality, cost = grid.drawn_quality, grid.cost
    others = [j for j in range(k) if j != best]
    for size in range(2, most + 1):
        for asked in combinations(others, size):
            said = code[:, asked]
            same = (said[:, :, None] == said[:, None, :]) & (said >= 0)[:, :, None]
            votes = same.sum(axis=2)
            winner = np.array(asked)[votes.argmax(axis=1)]
            for needed in range(2, size + 1):
                accepted = votes.max(axis=1) >= needed
                got = np.where(accepted, quality[np.arange(n), winner], quality[:, best])
                paid = cost[:, asked].sum(axis=1) + np.where(accepted, 0.0, cost[:, best])
                yield Ruled(asked, needed, got, paid)


def most_saving(cost: FloatArray, quality: FloatArray, wanted: float) -> int:
    """The cheapest of p points of at least the ``wanted`` quality; the best one where none reaches it."""
    reaching = np.flatnonzero(quality >= wanted)
    if not reaching.size:
        return int(quality.argmax())
    return int(reaching[cost[reaching].argmin()])
