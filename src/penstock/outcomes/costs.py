"""What every outcome cost: as recorded, else its tokens at the model's list price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import TableError
from penstock.outcomes.frames import pl
from penstock.pricing import Price, cost_usd_columns
from penstock.types import FloatArray

if TYPE_CHECKING:
    from penstock.outcomes.table import OutcomeTable

PRICE_COLUMNS = ("input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok", "usd_per_request")


def row_costs(table: OutcomeTable) -> tuple[FloatArray, bool]:
    """USD per outcome row (NaN where unknown), and whether any was made of input tokens alone.

    ``cost_usd`` where recorded; else tokens x list price. Where *no* row of the table has output tokens,
    the input tokens alone are priced and the table is flagged; where only this row's tokens are unknown, so
    is its cost.
    """
    outcomes = table.outcomes
    cost = outcomes["cost_usd"].to_numpy(writable=True)
    input_tokens = outcomes["input_tokens"].cast(pl.Float64).to_numpy()
    output_tokens = outcomes["output_tokens"].cast(pl.Float64).to_numpy()
    input_only = bool(np.isnan(output_tokens).all())
    if input_only:
        output_tokens = np.zeros_like(input_tokens)
    unpriced = np.isnan(cost)
    if not unpriced.any():
        return cost, False
    models = outcomes["model"].to_numpy()
    for model, price in list_prices(table).items():
        rows = unpriced & (models == model)
        cost[rows] = cost_usd_columns(input_tokens[rows], output_tokens[rows], price)
    return cost, input_only and bool((~np.isnan(cost[unpriced])).any())


def list_prices(table: OutcomeTable) -> dict[str, Price]:
    """The prices stated in ``models``; models with a null input or output price have none."""
    if table.models is None or not {"input_usd_per_mtok", "output_usd_per_mtok"} <= set(table.models.columns):
        return {}
    prices = {}
    for row in table.models.select("model", *(c for c in PRICE_COLUMNS if c in table.models.columns)).rows(
        named=True
    ):
        input_rate, output_rate = row["input_usd_per_mtok"], row["output_usd_per_mtok"]
        if input_rate is not None and output_rate is not None:
            cached, request = row.get("cached_input_usd_per_mtok"), row.get("usd_per_request")
            prices[row["model"]] = Price.of(
                input_rate, output_rate, cached, 0 if request is None else request
            )
    return prices


def models_frame(names: Iterable[str], prices: Mapping[str, Price | None]) -> pl.DataFrame:
    """A ``models`` frame: one row per name, prices in USD per million tokens, null where there is none."""
    rows = []
    for name in names:
        price = prices.get(name)
        rates = (
            (None,) * 4 if price is None else (price.input, price.output, price.cached_input, price.request)
        )
        rows.append((name, *(None if rate is None else float(rate) for rate in rates)))
    types: dict[str, type[pl.DataType]] = {"model": pl.String} | dict.fromkeys(PRICE_COLUMNS, pl.Float64)
    return pl.DataFrame(rows, schema=types, orient="row")


def with_prices(
    table: OutcomeTable, prices: Mapping[str, Price], *, source: object = "the price list"
) -> OutcomeTable:
    """The table with these list prices in ``models``, before those that stood there. Raises ``TableError``
    where the list prices none of the table's models."""
    priced = [m for m in table.model_names if m in prices]
    if not priced:
        known = ", ".join(table.model_names[:5])
        raise TableError(f"prices none of the table's models ({known}, ...)", file=source, field="model")
    names = table.model_names if table.models is None else table.models["model"].to_list()
    before = list_prices(table)
    fresh = models_frame(names, {name: prices.get(name, before.get(name)) for name in names})
    if table.models is not None:
        kept = [c for c in table.models.columns if c not in PRICE_COLUMNS]
        fresh = table.models.select(kept).join(fresh, on="model", how="left", maintain_order="left")
    return replace(table, models=fresh)
