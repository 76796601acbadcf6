"""Numbers: the final number of an answer, as GSM8K and its relatives are graded."""

from __future__ import annotations

from penstock.answers.number import number_of
from penstock.errors import InputError
from penstock.outcomes.scorers.base import UNPARSABLE, Score
from penstock.registry import register


@register("scorer", "numeric")
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
