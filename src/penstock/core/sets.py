"""Sets of candidates as int64 bit masks, bit i for candidate i. Preconditions as in ``supermodels``."""

from __future__ import annotations

import numpy as np

from penstock.core.routing import TIE
from penstock.types import BoolArray, FloatArray, IntArray


def members(sets: IntArray | BoolArray, count: int) -> BoolArray:
    """(n, count) whether each candidate is in the set; booleans of that shape stay as they are."""
    if sets.ndim == 2:
        return sets.astype(bool)
    inside: BoolArray = (sets[:, None] >> np.arange(count)) & 1 > 0
    return inside


def bits(flags: BoolArray) -> IntArray:
    """(n, k) flags -> (n,) bit masks, candidate j at bit j."""
    weights: IntArray = np.left_shift(np.int64(1), np.arange(flags.shape[1], dtype=np.int64))
    masks: IntArray = flags @ weights
    return masks


def words(sets: IntArray | BoolArray) -> IntArray:
    """(n, w) 64 candidates to a word, from (n,) bit masks or (n, k) booleans."""
    if sets.ndim == 1:
        return np.ascontiguousarray(sets, dtype=np.int64)[:, None]
    n, k = sets.shape
    padded = np.zeros((n, -(-k // 64) * 64), dtype=bool)
    padded[:, :k] = sets
    packed: IntArray = np.packbits(padded, axis=1, bitorder="little").view(np.int64)
    return packed


class Found:
    """Sets worth a look, of all queries."""

    def __init__(self, queries: int) -> None:
        self.best: FloatArray = np.full(queries, -np.inf)
        self.parts: list[tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]] = []

    def add(
        self, row: IntArray, mask: IntArray, score: FloatArray, size: FloatArray, cost: FloatArray
    ) -> None:
        """Sets of the same number of members."""
        np.maximum.at(self.best, row, score)
        self.parts.append((row, mask, score, size, cost))

    def choose(self, prefer_expensive: bool) -> tuple[IntArray, FloatArray]:
        """The winner of each query: highest score, ties by cost, members, mask."""
        row, mask, score, size, cost = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        leading = np.zeros(len(self.best))
        leads = score == self.best[row]
        leading[row[leads]] = size[leads]
        tied = score >= self.best[row] - TIE * np.maximum(size, leading[row])
        row, mask, score, cost = row[tied], mask[tied], score[tied], cost[tied]
        signed = -cost if prefer_expensive else cost
        edge = np.full(len(self.best), np.inf)
        np.minimum.at(edge, row, signed)
        even = signed <= edge[row] + TIE * np.abs(edge[row])
        row, mask, score = row[even], mask[even], score[even]
        order = np.lexsort((mask, np.bitwise_count(mask), row))
        first, at = np.unique(row[order], return_index=True)
        chosen, value = np.zeros(len(self.best), dtype=np.int64), np.full(len(self.best), -np.inf)
        chosen[first], value[first] = mask[order][at], score[order][at]
        return chosen, value


def broadcast(
    mean: FloatArray, cost: FloatArray, executed: IntArray, lam: FloatArray | float, eligible: IntArray | None
) -> tuple[FloatArray, FloatArray, IntArray]:
    """cost (1 or n, k), lam (n,), eligible (n,), C-contiguous."""
    n, k = mean.shape
    everyone = np.int64((1 << k) - 1)
    price = np.ascontiguousarray(np.atleast_2d(cost), dtype=float)
    rate = np.ascontiguousarray(np.broadcast_to(np.asarray(lam, dtype=float), (n,)))
    open_ = np.ascontiguousarray(
        np.broadcast_to(everyone if eligible is None else eligible, (n,)), dtype=np.int64
    )
    return price, rate, open_


def contiguous(
    mean: FloatArray, factor: FloatArray | None, draws: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """mean (n, k), factor (1 or n, k, 1 or k) and noise (k, S) as the compiled kernels take them."""
    k = mean.shape[1]
    if factor is None:
        return np.ascontiguousarray(mean), np.zeros((1, k, 1)), np.zeros((k, 1))
    square = factor[:, :, None] if factor.ndim == 2 else factor
    return np.ascontiguousarray(mean), np.ascontiguousarray(square), np.ascontiguousarray(draws.T)


def stack(parts: list[tuple[IntArray, FloatArray]]) -> tuple[IntArray, FloatArray]:
    masks, scores = zip(*parts, strict=True)
    return np.concatenate(masks), np.concatenate(scores)
