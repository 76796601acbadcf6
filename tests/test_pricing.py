"""Money is exact."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import PoolError
from penstock.pricing import Price, cost_usd, cost_usd_columns
from penstock.types import Usage

TOKENS = st.integers(0, 10**7)
RATE = st.decimals(0, 1000, places=4, allow_nan=False)


def test_tokens_are_priced_exactly() -> None:
    price = Price.of(0.15, 0.6, 0.075, 0.0001)
    assert cost_usd(Usage(1000, 200), price) == Decimal("0.00015") + Decimal("0.00012") + Decimal("0.0001")
    assert cost_usd(Usage(1000, 200, 400), price) == Decimal("0.00034")
    assert cost_usd(Usage(), price) == Decimal("0.0001")


def test_without_a_cached_price_cached_tokens_cost_what_others_do() -> None:
    assert cost_usd(Usage(1000, 0, 999), Price.of("3", "15")) == Decimal("0.003")


def test_floats_are_read_as_they_print() -> None:
    assert Price.of(0.1, 0.2).input == Decimal("0.1")
    assert cost_usd(Usage(3_000_000, 0), Price.of(0.1, 0)) == Decimal("0.3")


@given(TOKENS, TOKENS, st.floats(0, 1), RATE, RATE, RATE)
def test_the_parts_add_up(
    inputs: int, outputs: int, part: float, input_rate: Decimal, output_rate: Decimal, cached_rate: Decimal
) -> None:
    price = Price.of(input_rate, output_rate, cached_rate)
    cached = int(inputs * part)
    million = Decimal(1_000_000)
    expected = ((inputs - cached) * input_rate + cached * cached_rate + outputs * output_rate) / million
    assert cost_usd(Usage(inputs, outputs, cached), price) == expected


@given(st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=5), RATE, RATE)
def test_columns_are_priced_by_the_same_formula(
    tokens: list[tuple[int, int]], input_rate: Decimal, output_rate: Decimal
) -> None:
    price = Price.of(input_rate, output_rate, request="0.001")
    inputs, outputs = (np.array(column, dtype=float) for column in zip(*tokens, strict=True))
    exact = [float(cost_usd(Usage(*row), price)) for row in tokens]
    np.testing.assert_allclose(cost_usd_columns(inputs, outputs, price), exact, rtol=1e-12)


def test_unknown_tokens_have_an_unknown_cost() -> None:
    found = cost_usd_columns(np.array([1.0, np.nan]), np.array([1.0, 1.0]), Price.of(1, 1))
    assert np.isnan(found).tolist() == [False, True]


@pytest.mark.parametrize("value", [-1, "nan", "inf", "x", True, None, [1]])
def test_what_is_no_price(value: object) -> None:
    with pytest.raises(PoolError, match="price must be"):
        Price.of(value, 1)
