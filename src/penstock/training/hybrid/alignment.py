"""Do two quality metrics agree on what routing needs: the gap between two models, query by query?

A router trained on one metric serves another where their *gaps* correlate (Hybrid LLM; ICLR 2024): with
r = 0.46 and rho = 0.44 between BART score and GPT-4's ratings the routers still worked, below that less and
less. The same test says whether a router may be carried over to another pair of models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.errors import InputError
from penstock.types import FloatArray

LEAST = 0.44
"""The weakest correlation at which the paper's routers held their quality under another metric."""

_LEAST_ROWS = 4
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Alignment:
    """Correlations of two gaps over ``n`` queries, with 95% intervals (Fisher's z), and the verdict.

    ``go`` is True where both correlations reach ``least``. ``certain`` is True where that verdict would be
    the same anywhere inside both intervals: else a larger sample is needed.
    """

    pearson: float
    spearman: float
    pearson_ci95: tuple[float, float]
    spearman_ci95: tuple[float, float]
    n: int
    go: bool
    certain: bool


def align(first: FloatArray, second: FloatArray, *, least: float = LEAST) -> Alignment:
    """Compare the gaps (n,) ``q_small - q_large`` of one metric with those of another on the same queries.

    A gap that is the same everywhere correlates with nothing (0). Raises InputError for fewer than 4 queries
    or missing values.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise InputError(f"gaps of shapes {first.shape} and {second.shape} are not of the same queries")
    n = len(first)
    if n < _LEAST_ROWS:
        raise InputError(f"{n} queries say nothing about a correlation", hint=f"Use at least {_LEAST_ROWS}")
    if np.isnan(first).any() or np.isnan(second).any():
        raise InputError("a gap is missing")
    found = pearson(first, second), spearman(first, second)
    intervals = [_interval(r, n) for r in found]
    go = min(found) >= least
    certain = all(low >= least for low, _ in intervals) if go else any(high < least for _, high in intervals)
    return Alignment(found[0], found[1], intervals[0], intervals[1], n, go, certain)


def pearson(first: FloatArray, second: FloatArray) -> float:
    """Linear correlation; 0 where either side is constant."""
    a, b = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    # what is left of a constant after rounding is no variation
    tiny = 1e-12 * len(a) * float(np.abs(first).max(initial=0.0)) * float(np.abs(second).max(initial=0.0))
    return float(np.clip(a @ b / scale, -1.0, 1.0)) if scale > tiny else 0.0


def spearman(first: FloatArray, second: FloatArray) -> float:
    """Rank correlation, ties at their mean rank."""
    return pearson(_ranks(first), _ranks(second))


def _ranks(values: FloatArray) -> FloatArray:
    _, index, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    ranks: FloatArray = (ends - (count - 1) / 2.0)[index]
    return ranks


def _interval(r: float, n: int) -> tuple[float, float]:
    z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    half = _NORMAL_95 / np.sqrt(n - 3)
    return float(np.tanh(z - half)), float(np.tanh(z + half))
