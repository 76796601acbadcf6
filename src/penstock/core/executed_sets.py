"""Executed sets as bit masks, and what an estimator says that has something to say about each of them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from penstock.errors import InputError
from penstock.types import FloatArray, IntArray


class SetEstimates(Protocol):
    """Estimates for a fixed set of n queries and k candidates, one per set of executed candidates.

    ``executed`` is a bit mask: candidate i has run where bit i is set.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(n, k)."""
        ...

    def estimate(self, executed: int, rows: IntArray | None = None) -> FloatArray:
        """(m, k) expected quality of all candidates on m of the queries (None: all n)."""
        ...

    def shift_sd(self, executed: int) -> FloatArray:
        """(k,) standard deviation of an estimate's move when its candidate runs next; 0 once it has."""
        ...

    def shift_sqrt(self, executed: int) -> FloatArray:
        """(k, k) a square root of the covariance of the moves still to come; rows of executed ones 0."""
        ...


def everybody(count: int) -> int:
    """The set of all ``count`` candidates."""
    return (1 << count) - 1


def members(executed: int, count: int) -> IntArray:
    """The candidates of a set, ascending. InputError where it holds one beyond ``count``."""
    if executed < 0 or executed > everybody(count):
        raise InputError(f"the executed set {executed:#b} is not a set of {count} candidates")
    return np.array([i for i in range(count) if executed >> i & 1], dtype=np.int64)


def pairs(executed: int, count: int) -> list[tuple[int, int]]:
    """The pairs of candidates of a set, each once."""
    ran = members(executed, count).tolist()
    return [(a, b) for x, a in enumerate(ran) for b in ran[x + 1 :]]
