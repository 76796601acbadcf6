"""From tokens to money: the only place that does.

Prices are decimals, so that what is stored and settled is exact; whole columns of an outcome table are
priced in floating point by the same formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from penstock.errors import PoolError
from penstock.types import FloatArray, Usage

PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """List price of one candidate: USD per million tokens, and USD per request.

    ``cached_input`` is the price of input tokens read from the provider's prompt cache; None means they
    cost what other input tokens cost.
    """

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    request: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached_input", "request"):
            value = getattr(self, name)
            if value is not None and (not value.is_finite() or value < 0):
                raise PoolError(f"a price must be a finite number >= 0, not {value}", field=name)

    @classmethod
    def of(
        cls,
        input: object,  # noqa: A002 - the field's name
        output: object,
        cached_input: object = None,
        request: object = 0,
    ) -> Price:
        """From anything a file holds (numbers or text); floats are read as they print: 0.1 is one tenth."""
        cached = None if cached_input is None else _decimal(cached_input, "cached_input")
        return cls(_decimal(input, "input"), _decimal(output, "output"), cached, _decimal(request, "request"))


def cost_usd(usage: Usage, price: Price) -> Decimal:
    """Exact cost of one call in USD. Of cached tokens no more count than there were input tokens."""
    cached = price.input if price.cached_input is None else price.cached_input
    total = _charge(
        (price.input, cached, price.output),
        (
            Decimal(usage.input_tokens),
            Decimal(min(usage.cached_tokens, usage.input_tokens)),
            Decimal(usage.output_tokens),
        ),
    )
    return Decimal(total) + price.request


def cost_usd_columns(input_tokens: FloatArray, output_tokens: FloatArray, price: Price) -> FloatArray:
    """Costs in USD of many calls without cached tokens; NaN tokens give NaN costs."""
    rates = (float(price.input), float(price.input), float(price.output))
    total: FloatArray = _charge(rates, (input_tokens, np.zeros_like(input_tokens), output_tokens))
    return total + float(price.request)


def _charge(rates: tuple[Any, Any, Any], tokens: tuple[Any, Any, Any]) -> Any:
    """The formula, for decimals and for arrays: (fresh input, cached input, output) at their rates."""
    (fresh_rate, cached_rate, output_rate), (input_tokens, cached_tokens, output_tokens) = rates, tokens
    fresh = input_tokens - cached_tokens
    return (fresh * fresh_rate + cached_tokens * cached_rate + output_tokens * output_rate) / PER_MILLION


def _decimal(value: object, field: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise PoolError(f"a price must be a number, not {value!r}", field=field)
    try:
        return Decimal(str(value))
    except ArithmeticError as error:
        raise PoolError(f"a price must be a number, not {value!r}", field=field) from error
