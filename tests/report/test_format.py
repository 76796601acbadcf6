"""Numbers as they are read."""

from __future__ import annotations

import pytest

from penstock.report.format import Money


@pytest.mark.parametrize(
    ("largest", "unit", "shown"),
    [
        (0.25, "USD per query", "$0.250"),
        (0.00985, "USD per 1,000 queries", "$9.85"),
        (0.0000021, "USD per 1,000,000 queries", "$2.10"),
        (0.0, "USD per query", "$0.00"),
        (1234.5, "USD per query", "$1,234"),
    ],
)
def test_costs_have_a_unit_in_which_they_can_be_read(largest: float, unit: str, shown: str) -> None:
    money = Money.fit(largest)
    assert money.unit == unit
    assert money.amount(largest) == shown
