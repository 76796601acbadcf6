"""Real outcome tables as the experiments need them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.experiments.compare import Truth, weights_of
from benchmarks.experiments.result import Settings
from penstock.core.curves import concave_hull
from penstock.errors import TableError
from penstock.fitting.select_candidates import complete_rows, select_candidates
from penstock.outcomes.imports import import_table
from penstock.outcomes.io import read_table
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.splits import groups_of
from penstock.outcomes.to_matrix import to_matrix
from penstock.types import FloatArray, IntArray

ROUTERBENCH = (
    "WizardLM/WizardLM-13B-V1.2",
    "claude-instant-v1",
    "claude-v1",
    "claude-v2",
    "gpt-3.5-turbo-1106",
    "gpt-4-1106-preview",
    "meta/code-llama-instruct-34b-chat",
    "meta/llama-2-70b-chat",
    "mistralai/mistral-7b-chat",
    "mistralai/mixtral-8x7b-chat",
    "zero-one-ai/Yi-34B-Chat",
)
"""Columns of RouterBench in the published file's order, which the published sets count by."""
POOLS = {3: (9, 4, 5), 5: (0, 9, 4, 3, 5), 11: tuple(range(11))}


def grid_of(settings: Settings, table: str) -> OutcomeMatrix:
    """A table's grid; the first ``settings.rows`` queries of it where that is set."""
    grid = to_matrix(read_table(settings.tables / table))
    return grid if settings.rows is None else grid.rows(np.arange(min(settings.rows, len(grid))))


def routerbench(settings: Settings) -> OutcomeMatrix:
    """The RouterBench subset, or the published file where the user has it; complete rows, names checked."""
    if settings.routerbench is None:
        grid = grid_of(settings, "routerbench_subset")
    else:
        grid = to_matrix(import_table(settings.routerbench))
    missing = [name for name in ROUTERBENCH if name not in grid.candidates]
    if missing:
        raise TableError(
            f"RouterBench has no column {missing[0]!r}; the candidates are {', '.join(grid.candidates)}",
            file=settings.routerbench or "routerbench_subset",
            field="model",
        )
    grid = grid.select(ROUTERBENCH)
    return grid.rows(complete_rows(grid))


def pool(grid: OutcomeMatrix, count: int) -> OutcomeMatrix:
    """The published set of 3, 5 or 11 candidates."""
    return grid.select([ROUTERBENCH[i] for i in POOLS[count]])


def thinned(grid: OutcomeMatrix, count: int) -> OutcomeMatrix:
    """``count`` usable candidates an operator would look at: those on the hull of the table's means, spread
    evenly where they are too many, then the ones nearest below it; by rising cost, complete rows."""
    names = select_candidates(grid).names
    usable = grid.select(names)
    cost, quality = np.nanmean(usable.cost, axis=0), np.nanmean(usable.quality, axis=0)
    hull = concave_hull(cost, quality)
    below = np.interp(cost, cost[hull], quality[hull]) - quality
    rest = [j for j in np.argsort(below, kind="stable").tolist() if j not in hull.tolist()]
    spread = hull[np.unique(np.linspace(0, len(hull) - 1, min(count, len(hull))).astype(int))].tolist()
    picked = sorted([*spread, *rest][:count], key=lambda j: float(cost[j]))
    chosen = usable.select([names[j] for j in picked])
    return chosen.rows(complete_rows(chosen))


def truths(grid: OutcomeMatrix, parts: Sequence[IntArray]) -> list[Truth]:
    """Outcomes of parts of a grid with resamples that are the same for every split of it."""
    weight: FloatArray = weights_of(groups_of(grid.queries))
    return [Truth(grid.quality[part], grid.cost[part], weight[:, part]) for part in parts]
