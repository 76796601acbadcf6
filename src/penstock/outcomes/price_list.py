"""List prices from a file: our own CSV, JSON or YAML, and LiteLLM's price map as it is published."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from penstock.errors import PoolError
from penstock.pricing import PER_MILLION, Price

_PER_MTOK = {
    "input": ("input_usd_per_mtok", "input_per_mtok", "input"),
    "output": ("output_usd_per_mtok", "output_per_mtok", "output"),
    "cached_input": ("cached_input_usd_per_mtok", "cached_input_per_mtok", "cached_input"),
}
_PER_TOKEN = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
}
_PER_REQUEST = ("usd_per_request", "request")


def read_price_list(file: Path) -> dict[str, Price]:
    """Model name -> price. Entries that state neither an input nor an output price are left out.

    A CSV has a column ``model``; JSON and YAML map names to entries, or list entries with a ``model``. An
    entry gives USD per million tokens (``input``, ``output``, ``cached_input``, each also with
    ``_per_mtok`` or ``_usd_per_mtok``) or, as LiteLLM does, USD per token (``input_cost_per_token``, ...).
    Raises ``PoolError``.
    """
    file = Path(file)
    prices = {}
    for name, entry in _entries(file):
        if name == "sample_spec":  # the documentation entry of LiteLLM's map
            continue
        if name in prices:
            raise PoolError(f"{name!r} is priced twice", file=file)
        price = _price(name, entry, file)
        if price is not None:
            prices[name] = price
    if not prices:
        raise PoolError(
            "no price in the file", file=file, hint="an entry needs `input` and `output` (USD per Mtok)"
        )
    return prices


def _entries(file: Path) -> Iterable[tuple[str, Mapping[str, Any]]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PoolError(f"cannot be read ({error})", file=file) from error
    if file.suffix.lower() == ".csv":
        return _named(list(csv.DictReader(text.splitlines())), file)
    try:
        # A price such as 1e-07 must not pass through binary floating point.
        is_json = file.suffix.lower() == ".json"
        loaded = json.loads(text, parse_float=Decimal) if is_json else yaml.safe_load(text)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise PoolError(f"not readable as {'JSON' if is_json else 'YAML'}: {error}", file=file) from error
    if isinstance(loaded, list):
        return _named(loaded, file)
    if not isinstance(loaded, dict):
        raise PoolError("a price list maps model names to prices", file=file)
    for name, entry in loaded.items():
        if not isinstance(entry, dict):
            raise PoolError(
                f"the entry of {name!r} is {entry!r}, not a mapping with `input` and `output`", file=file
            )
    return [(str(name), entry) for name, entry in loaded.items()]


def _named(rows: list[Any], file: Path) -> list[tuple[str, Mapping[str, Any]]]:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not row.get("model"):
            raise PoolError("the entry names no model", file=file, row=number, field="model")
    return [(str(row["model"]), row) for row in rows]


def litellm_price(entry: Mapping[str, Any], *, file: object, field: str) -> Price | None:
    """The price of one entry of LiteLLM's map (USD per token); None where it states neither rate.

    A rate that is not stated beside one that is, is 0, as LiteLLM counts it.
    """
    rates = {part: _per_million(entry, part, file, field) for part in _PER_TOKEN}
    if rates["input"] is None and rates["output"] is None:
        return None
    zero = Decimal(0)
    request = entry.get("input_cost_per_request") or 0
    return _checked(
        (rates["input"] or zero, rates["output"] or zero, rates["cached_input"], request), file, field
    )


def _price(name: str, entry: Mapping[str, Any], file: Path) -> Price | None:
    if any(_stated(entry, key) for key in _PER_TOKEN.values()):
        return litellm_price(entry, file=file, field=name)
    rates = {part: _first(entry, _PER_MTOK[part]) for part in _PER_MTOK}
    if rates["input"] is None and rates["output"] is None:
        return None
    for part in ("input", "output"):
        if rates[part] is None:
            raise PoolError(f"the {part} price is missing", file=file, field=f"{name}.{part}")
    request = _first(entry, _PER_REQUEST)
    return _checked((*rates.values(), 0 if request is None else request), file, name)


def _checked(rates: tuple[object, ...], file: object, field: str) -> Price:
    try:
        return Price.of(*rates)
    except PoolError as error:
        raise PoolError(error.message, file=file, field=f"{field}.{error.field}") from error


def _per_million(entry: Mapping[str, Any], part: str, file: object, field: str) -> Decimal | None:
    value = _first(entry, (_PER_TOKEN[part],))
    # normalize(): 2.5e-06 * 1e6 is 2.5, not 2.500000
    return None if value is None else (_checked((value, 0), file, field).input * PER_MILLION).normalize()


def _first(entry: Mapping[str, Any], keys: Iterable[str]) -> object:
    return next((entry[key] for key in keys if _stated(entry, key)), None)


def _stated(entry: Mapping[str, Any], key: str) -> bool:
    return entry.get(key) not in (None, "")
