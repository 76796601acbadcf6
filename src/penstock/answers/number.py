"""The number a text ends up with."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = r"[-−+]?\s?[$€£]?\s?[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?<=\d)(?:[eE][-+]?\d{1,3}\b)?"
_ANY = re.compile(r"(?<![\w.])" + _NUMBER)
_MARKED = (
    re.compile(r"####\s*\**\s*(" + _NUMBER + ")"),
    re.compile(r"\\boxed\{\s*\\?(" + _NUMBER + ")"),
    re.compile(
        r"(?i:\banswer\b[\"']?(?:\s+(?:is|would be|should be))?\s*[:=]?)[\s*\\($\"']*(" + _NUMBER + ")"
    ),
)


def number_of(text: str) -> Decimal | None:
    """The final number of a text, or None."""
    for marked in _MARKED:
        found = marked.findall(text)
        if found:
            return _decimal(found[-1])
    found = [number for number in _ANY.findall(text) if any(c.isdigit() for c in number)]
    return _decimal(found[-1]) if found else None


def _decimal(text: str) -> Decimal:
    return Decimal(
        re.sub(r"[\s,$€£+]", "", text.replace("−", "-")) if "e" not in text.lower() else _scientific(text)
    )


def _scientific(text: str) -> str:
    return re.sub(r"[\s,$€£]", "", text.replace("−", "-"))
