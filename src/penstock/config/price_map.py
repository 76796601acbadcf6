"""LiteLLM's price map: ``{"gpt-4o": {"input_cost_per_token": ..., ...}}``, read as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.errors import PoolError
from penstock.outcomes.price_list import litellm_price
from penstock.pricing import Price


@dataclass(frozen=True, slots=True)
class Listing:
    """What a price map knows of one model; None where it does not say."""

    price: Price | None = None
    context_window: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    json_schema: bool | None = None


@dataclass(frozen=True, slots=True)
class PriceMap:
    """One or more files; where two name a model, the later counts. Entries are checked when looked up."""

    entries: Mapping[str, tuple[Path, Mapping[str, Any]]]

    @classmethod
    def read(cls, *paths: Path) -> PriceMap:
        """Raises ``PoolError`` where a file is missing or no price map."""
        entries: dict[str, tuple[Path, Mapping[str, Any]]] = {}
        for path in paths:
            entries |= {name: (path, entry) for name, entry in _read(path).items()}
        return cls(entries)

    def find(self, *names: str) -> Listing:
        """The listing of the first name that has one. Raises ``PoolError`` where that entry is malformed."""
        for name in names:
            if name in self.entries:
                path, entry = self.entries[name]
                return listing_of(entry, file=path, field=name)
        return Listing()


def listing_of(entry: Mapping[str, Any], *, file: Path, field: str) -> Listing:
    """LiteLLM's fields as ours: per token becomes per million, flags stay flags."""
    window = entry.get("max_input_tokens") or entry.get("max_tokens")
    if window is not None and (isinstance(window, bool) or not isinstance(window, int) or window <= 0):
        raise PoolError("must be a whole number of tokens", file=file, field=f"{field}.max_input_tokens")
    return Listing(
        price=litellm_price(entry, file=file, field=field),
        context_window=window,
        tools=_flag(entry, "supports_function_calling"),
        vision=_flag(entry, "supports_vision"),
        json_schema=_flag(entry, "supports_response_schema"),
    )


def _flag(entry: Mapping[str, Any], name: str) -> bool | None:
    value = entry.get(name)
    return value if isinstance(value, bool) else None


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PoolError(f"the price map cannot be read: {error}", file=path, field="prices") from error
    except json.JSONDecodeError as error:
        raise PoolError(
            f"not JSON (line {error.lineno}): {error.msg}", file=path, row=error.lineno
        ) from error
    if not isinstance(data, dict) or not all(isinstance(entry, dict) for entry in data.values()):
        raise PoolError("a price map is an object of objects, one per model", file=path, field="prices")
    return data
