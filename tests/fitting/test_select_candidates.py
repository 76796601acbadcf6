"""Which candidates a router chooses among (docs/references.md, "The headline metric")."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.errors import TableError
from penstock.fitting.select_candidates import complete_rows, select_candidates
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import Answer, Query


def grid(quality: np.ndarray, cost: np.ndarray) -> OutcomeMatrix:
    n, k = quality.shape
    return OutcomeMatrix(
        tuple(Query(f"q{i}") for i in range(n)),
        tuple(f"c{j}" for j in range(k)),
        quality,
        cost,
        np.where(np.isnan(quality), np.nan, 1.0),
        lambda i, j: Answer(f"c{j}"),
    )


def level(*values: float, n: int = 100) -> np.ndarray:
    return np.tile(np.array(values), (n, 1))


def test_candidates_dearer_than_the_best_are_left_out_and_ties_go_to_the_cheaper() -> None:
    found = select_candidates(grid(level(0.5, 0.8, 0.8, 0.7), level(1.0, 3.0, 2.0, 2.5)))
    assert found.names == ("c0", "c2")
    assert found.best_fixed == "c2"
    assert found.left_out == dict.fromkeys(("c1", "c3"), "dearer than the best fixed candidate")


def test_named_candidates_stay_whatever_they_cost() -> None:
    found = select_candidates(grid(level(0.5, 0.8, 0.7), level(1.0, 2.0, 3.0)), ["c2", "c1"])
    assert found.names == ("c1", "c2")
    assert found.best_fixed == "c1"


@pytest.mark.parametrize(("holes", "usable"), [(2, True), (3, False)])
def test_usable_means_98_percent_of_the_rows(holes: int, usable: bool) -> None:
    quality = level(0.5, 0.6)
    quality[:holes, 0] = np.nan
    found = select_candidates(grid(quality, level(1.0, 2.0)))
    assert ("c0" in found.names) is usable
    assert usable or found.left_out["c0"].startswith("answered, scored and costed on 97.0% of the rows")


def test_why_a_candidate_cannot_be_used() -> None:
    quality, cost = level(0.5, 0.6, 0.7, 0.1), level(1.0, 1.0, 1.0, 0.1)
    quality[:, 0], cost[:, 1], cost[:, 2] = np.nan, np.nan, 0.0
    found = select_candidates(grid(quality, cost))
    assert found.names == ("c3",)
    assert found.left_out == {
        "c0": "it has no scored answer",
        "c1": "its cost is unknown",
        "c2": "its cost is zero",
    }
    with pytest.raises(TableError, match=r"candidate 'c2' cannot be used: its cost is zero"):
        select_candidates(grid(quality, cost), ["c2"])
    with pytest.raises(TableError, match=r"no candidate is called 'x'; the table has c0, c1"):
        select_candidates(grid(quality, cost), ["x"])
    with pytest.raises(TableError, match="no candidate of the table can be used"):
        select_candidates(grid(quality[:, :3], cost[:, :3]))


@pytest.mark.parametrize("count", [12, 13, 30])
def test_of_many_twelve_by_rank_of_cost_the_best_among_them(count: int) -> None:
    quality = level(*np.linspace(0.1, 0.9, count))
    cost = level(*np.linspace(1.0, 2.0, count))
    found = select_candidates(grid(quality, cost))
    picked = np.unique(np.linspace(0, count - 1, 12).astype(int))
    assert found.names == tuple(f"c{i}" for i in picked)
    assert found.best_fixed == f"c{count - 1}"
    assert set(found.names) | set(found.left_out) == {f"c{i}" for i in range(count)}


def test_the_best_is_never_thinned_away_nor_said_to_be() -> None:
    """Candidates as dear as the best one rank behind it."""
    quality = level(*np.linspace(0.1, 0.9, 13), 0.2, 0.3)
    cost = level(*np.linspace(1.0, 2.0, 13), 2.0, 2.0)
    found = select_candidates(grid(quality, cost))
    assert found.best_fixed in found.names
    assert not set(found.names) & set(found.left_out)


def test_complete_rows() -> None:
    quality, cost = level(0.5, 0.6, n=4), level(1.0, 1.0, n=4)
    quality[0, 0], cost[1, 1], cost[2, 0] = np.nan, np.nan, 0.0
    assert complete_rows(grid(quality, cost)).tolist() == [False, False, False, True]
