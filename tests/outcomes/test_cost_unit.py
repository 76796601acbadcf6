"""Latency, or a weighted sum, as the cost."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.errors import InputError, TableError
from penstock.outcomes.cost_unit import LATENCY, USD, CostUnit
from penstock.outcomes.table import OutcomeTable
from penstock.outcomes.to_matrix import to_matrix

from .tables import outcome, table


@pytest.mark.parametrize(
    ("text", "unit", "label"),
    [
        ("usd", USD, "USD"),
        ("latency", LATENCY, "s"),
        ("USD + 0.25 * latency", CostUnit(1.0, 0.25), "USD+0.25*s"),
        ("usd+1e-3*latency", CostUnit(1.0, 0.001), "USD+0.001*s"),
    ],
)
def test_what_is_read_is_written(text: str, unit: CostUnit, label: str) -> None:
    assert CostUnit.parse(text) == unit
    assert CostUnit.parse(str(unit)) == unit
    assert unit.label == label


@pytest.mark.parametrize(
    "text",
    ["", "seconds", "usd+latency", "usd+x*latency", "usd+-1*latency", "usd+0*latency", "usd+nan*latency"],
)
def test_what_is_no_cost(text: str) -> None:
    with pytest.raises(InputError, match="is no cost"):
        CostUnit.parse(text)


def timed() -> OutcomeTable:
    return table(
        outcome("a", "m", cost_usd=0.5, latency_s=2.0),
        outcome("a", "m", cost_usd=0.7, latency_s=4.0, sample_index=1),
        outcome("a", "n", cost_usd=0.25, latency_s=8.0),
        outcome("b", "m", cost_usd=0.5, latency_s=1.0),
        outcome("b", "n", cost_usd=0.25),
    )


def test_costs_are_in_the_unit_asked_for() -> None:
    usd, seconds = to_matrix(timed()), to_matrix(timed(), cost_unit=LATENCY)
    both = to_matrix(timed(), cost_unit=CostUnit(1.0, 0.1))
    assert np.allclose(usd.cost, [[0.6, 0.25], [0.5, 0.25]])
    assert np.allclose(seconds.cost, [[3.0, 8.0], [1.0, np.nan]], equal_nan=True)
    assert np.allclose(both.cost, [[0.9, 1.05], [0.6, np.nan]], equal_nan=True)
    assert (usd.cost_unit, seconds.cost_unit) == (USD, LATENCY)
    assert seconds.select(["n"]).rows(np.array([0])).cost_unit == LATENCY


def test_the_money_of_an_answer_stays_money() -> None:
    assert to_matrix(timed(), cost_unit=LATENCY).answer_of(1, 0).cost_usd == 0.5


def test_latency_counts_where_prices_are_unknown() -> None:
    grid = to_matrix(table(outcome("a", "m", cost_usd=None, latency_s=2.0)), cost_unit=LATENCY)
    assert grid.cost.tolist() == [[2.0]]
    assert not grid.estimated_cost


def test_without_any_latency_it_cannot_be_a_cost() -> None:
    for unit in (LATENCY, CostUnit(1.0, 0.1)):
        with pytest.raises(TableError, match="no outcome has a latency"):
            to_matrix(table(outcome("a", "m")), cost_unit=unit)
