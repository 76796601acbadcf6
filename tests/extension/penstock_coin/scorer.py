"""A scorer: the side of the coin that an answer settles on."""

from __future__ import annotations

import re

from penstock.errors import InputError
from penstock.outcomes.scorers.base import UNPARSABLE, Score
from penstock.registry import register


@register("scorer", "coin")
def side(answer_text: str, reference: str) -> Score:
    """1 where the last side of a coin that is named is the reference."""
    if reference not in ("heads", "tails"):
        raise InputError(f"the reference {reference!r:.40} is no side of a coin")
    named = re.findall("heads|tails", answer_text.lower())
    return Score(float(named[-1] == reference), named[-1]) if named else UNPARSABLE
