"""Which candidates of a table a router chooses among (docs/references.md, "The headline metric")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.errors import TableError
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import BoolArray, FloatArray

USABLE_SHARE = 0.98
MOST = 12


@dataclass(frozen=True)
class Selection:
    """``names`` by rising mean cost; ``best_fixed`` is the one of highest mean quality; ``left_out`` says why
    each other candidate of the table is not among them."""

    names: tuple[str, ...]
    best_fixed: str
    left_out: dict[str, str]


def cells_usable(grid: OutcomeMatrix) -> BoolArray:
    """(n, k): observed, scored, and with a positive cost."""
    with np.errstate(invalid="ignore"):
        usable: BoolArray = np.asarray(grid.observed & (grid.cost > 0), dtype=bool)
    return usable


def complete_rows(grid: OutcomeMatrix) -> BoolArray:
    """(n,): every candidate of the grid is usable on the query; only such rows are tuned on and tested on."""
    complete: BoolArray = np.asarray(cells_usable(grid).all(axis=1), dtype=bool)
    return complete


def select_candidates(grid: OutcomeMatrix, names: Sequence[str] | None = None) -> Selection:
    """Choose on fitting rows. ``names`` overrides the choice (they must be usable all the same).

    Raises TableError where no candidate is usable, or a named one is not.
    """
    usable = cells_usable(grid)
    share = usable.mean(axis=0) if len(grid) else np.zeros(len(grid.candidates))
    left_out = {
        c: _why_not(grid, j, share[j]) for j, c in enumerate(grid.candidates) if share[j] < USABLE_SHARE
    }
    for name in names or ():
        if name not in grid.candidates:
            known = ", ".join(grid.candidates)
            message = f"no candidate is called {name!r}; the table has {known}"
            raise TableError(message, field="--candidates")
        if name in left_out:
            raise TableError(f"candidate {name!r} cannot be used: {left_out[name]}", field="--candidates")
    columns = [j for j, c in enumerate(grid.candidates) if c not in left_out and (not names or c in names)]
    if not columns:
        why = "; ".join(f"{c}: {reason}" for c, reason in list(left_out.items())[:3])
        raise TableError(
            f"no candidate of the table can be used ({why})",
            hint="Costs come from cost_usd, or from token counts and prices (models.parquet or --prices)",
        )
    quality, cost = _means(grid.quality, usable), _means(grid.cost, usable)
    best = min(columns, key=lambda j: (-quality[j], cost[j]))
    if not names:
        for j in columns:
            if cost[j] > cost[best]:
                left_out[grid.candidates[j]] = "dearer than the best fixed candidate"
        columns = [j for j in columns if cost[j] <= cost[best]]
    columns.sort(key=lambda j: (cost[j], -quality[j]))
    if not names and len(columns) > MOST:
        picked = np.unique(np.linspace(0, len(columns) - 1, MOST).astype(int)).tolist()
        kept = {columns[i] for i in picked} | {best}
        for j in columns:
            if j not in kept:
                left_out[grid.candidates[j]] = f"one of more than {MOST}: thinned by rank of mean cost"
        columns = sorted(kept, key=lambda j: (cost[j], -quality[j]))
    return Selection(tuple(grid.candidates[j] for j in columns), grid.candidates[best], left_out)


def _means(values: FloatArray, usable: BoolArray) -> FloatArray:
    total = np.where(usable, values, 0.0).sum(axis=0)
    means: FloatArray = total / np.maximum(usable.sum(axis=0), 1)
    return means


def _why_not(grid: OutcomeMatrix, column: int, share: float) -> str:
    cost, quality = grid.cost[:, column], grid.quality[:, column]
    if np.isnan(quality).all():
        return "it has no scored answer"
    if np.isnan(cost).all():
        return "its cost is unknown"
    with np.errstate(invalid="ignore"):
        if not (cost > 0).any():
            return "its cost is zero"
    return f"answered, scored and costed on {share:.1%} of the rows, less than {USABLE_SHARE:.0%}"
