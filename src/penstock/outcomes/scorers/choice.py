"""Multiple choice: the letter an answer settles on."""

from __future__ import annotations

import re

from penstock.answers.choice import choice_of
from penstock.errors import InputError
from penstock.outcomes.scorers.base import UNPARSABLE, Score
from penstock.registry import register

_REFERENCE = re.compile(r"^\s*[\(\[]?([A-Ja-j])[\)\].:]?\s*$")


@register("scorer", "choice")
def multiple_choice(answer_text: str, reference: str) -> Score:
    """1 where the answer settles on the reference's letter (A to J, in any usual dress).

    PostHocFit for in this order: the letter alone; the last "answer is (B)" or ``\\boxed{B}``; a letter the
    text starts with ("B) ..."); the last letter in brackets. Raises ``InputError`` where the reference is
    no letter.
    """
    wanted = _REFERENCE.match(reference)
    if wanted is None:
        raise InputError(f"the reference {reference!r:.40} is not one letter from A to J")
    found = choice_of(answer_text)
    return UNPARSABLE if found is None else Score(float(found == wanted[1].upper()), found)
