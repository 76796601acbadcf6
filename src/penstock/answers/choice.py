"""The letter of a multiple choice that a text settles on."""

from __future__ import annotations

import re

_LETTER = r"(?:\\text\{)?[\(\[\*\s]*([A-J])\b(?![-'’+])"
_STATED = re.compile(
    r"(?i:\b(?:answer|choice|option)\b(?:\s+(?:is|would be|should be|choice|option|letter))*\s*[:=]?\s*)"
    r"(?:\*\*|\$|\\boxed\{|\\\(|\")*\s*" + _LETTER
)
_BOXED = re.compile(r"\\boxed\{" + _LETTER)
_ALONE = re.compile(r"^[\s\(\[\*\"'`]*([A-Ja-j])[\s\)\]\*\"'`.]*$")
_LEADING = re.compile(r"^\s*[\(\[\*]*([A-J])[\)\].:]")
_BRACKETED = re.compile(r"[\(\[]([A-J])[\)\]]")


def choice_of(text: str) -> str | None:
    """The letter a text settles on, or None."""
    alone = _ALONE.match(text)
    if alone is not None:
        return alone[1].upper()
    stated = [*_STATED.finditer(text), *_BOXED.finditer(text)]
    if stated:
        return max(stated, key=lambda m: m.start(1))[1]
    leading = _LEADING.match(text)
    if leading is not None:
        return leading[1]
    bracketed = _BRACKETED.findall(text)
    return bracketed[-1] if bracketed else None
