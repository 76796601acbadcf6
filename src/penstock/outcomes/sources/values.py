"""One value of a foreign file as text, number, count or list of numbers; None stays None."""

from __future__ import annotations

import json
from typing import Any

from penstock.outcomes.schema import Kind

_TRUE, _FALSE = frozenset({"true", "yes"}), frozenset({"false", "no"})


def as_kind(value: Any, kind: Kind) -> Any:
    """The value as ``kind`` says. Raises ``ValueError`` where it is none."""
    if value is None:
        return None
    if kind == "text":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if kind == "numbers":
        return _numbers(value)
    number = _number(value)
    if kind == "number" or number is None:
        return number
    if number != int(number):
        raise ValueError(f"{value!r} is not a whole number")
    return int(number)


def _number(value: Any) -> float | None:
    """Numbers, numbers as text, and true/false as 1/0; an empty text is None."""
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if text.lower() in _TRUE | _FALSE:
            return float(text.lower() in _TRUE)
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{value!r} is not a number") from None
    if isinstance(value, bool | int | float):
        return float(value)
    raise ValueError(f"{value!r} is not a number")


def _numbers(value: Any) -> list[float] | None:
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise ValueError(f"{value!r:.40} is not a JSON list of numbers") from None
    if not isinstance(value, list) or not all(isinstance(v, int | float) for v in value):
        raise ValueError(f"{value!r:.40} is not a list of numbers")
    return [float(v) for v in value]
