"""Multiple choice: the letter an answer settles on."""

from __future__ import annotations

import re

from penstock.errors import InputError
from penstock.outcomes.scorers.base import UNPARSABLE, Score

_LETTER = r"(?:\\text\{)?[\(\[\*\s]*([A-J])\b(?![-'’+])"
_STATED = re.compile(
    r"(?i:\b(?:answer|choice|option)\b(?:\s+(?:is|would be|should be|choice|option|letter))*\s*[:=]?\s*)"
    r"(?:\*\*|\$|\\boxed\{|\\\(|\")*\s*" + _LETTER
)
_BOXED = re.compile(r"\\boxed\{" + _LETTER)
_ALONE = re.compile(r"^[\s\(\[\*\"'`]*([A-Ja-j])[\s\)\]\*\"'`.]*$")
_LEADING = re.compile(r"^\s*[\(\[\*]*([A-J])[\)\].:]")
_BRACKETED = re.compile(r"[\(\[]([A-J])[\)\]]")
_REFERENCE = re.compile(r"^\s*[\(\[]?([A-Ja-j])[\)\].:]?\s*$")


def multiple_choice(answer_text: str, reference: str) -> Score:
    """1 where the answer settles on the reference's letter (A to J, in any usual dress).

    Looked for in this order: the letter alone; the last "answer is (B)" or ``\\boxed{B}``; a letter the
    text starts with ("B) ..."); the last letter in brackets. Raises ``InputError`` where the reference is
    no letter.
    """
    wanted = _REFERENCE.match(reference)
    if wanted is None:
        raise InputError(f"the reference {reference!r:.40} is not one letter from A to J")
    found = choice_of(answer_text)
    return UNPARSABLE if found is None else Score(float(found == wanted[1].upper()), found)


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
