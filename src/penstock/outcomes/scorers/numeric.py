"""Numbers: the final number of an answer, as GSM8K and its relatives are graded."""

from __future__ import annotations

import re
from decimal import Decimal

from penstock.errors import InputError
from penstock.outcomes.scorers.base import UNPARSABLE, Score

_NUMBER = r"[-−+]?\s?[$€£]?\s?[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?<=\d)(?:[eE][-+]?\d{1,3}\b)?"
_ANY = re.compile(r"(?<![\w.])" + _NUMBER)
_MARKED = (
    re.compile(r"####\s*\**\s*(" + _NUMBER + ")"),
    re.compile(r"\\boxed\{\s*\\?(" + _NUMBER + ")"),
    re.compile(
        r"(?i:\banswer\b[\"']?(?:\s+(?:is|would be|should be))?\s*[:=]?)[\s*\\($\"']*(" + _NUMBER + ")"
    ),
)


def numeric(answer_text: str, reference: str) -> Score:
    """1 where the answer's final number equals the reference's: exactly, as decimals (12 = 12.0).

    The number after the last ``####``, else in the last ``\\boxed{}``, else after the last "answer is",
    else the last number of the text. Thousands commas, currency signs and percent signs are dropped. A
    reference may be a worked solution. Raises ``InputError`` where the reference holds no number.
    """
    wanted = number_of(reference)
    if wanted is None:
        raise InputError(f"the reference {reference!r:.40} holds no number")
    found = number_of(answer_text)
    return UNPARSABLE if found is None else Score(float(found == wanted), f"{found.normalize():f}")


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
