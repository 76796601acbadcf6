"""What can be seen of the answer a text states: how long it is, and whether the text led up to it.

A long final answer is one with much to get wrong; one that the reasoning before it never mentioned does not
follow from it.
"""

from __future__ import annotations

from math import log1p

import numpy as np

from penstock.types import FloatArray

FINAL_ANSWER_FEATURES = ("stated_length", "stated_before", "stated_just_before")
_JUST_BEFORE = 300


def final_answer_features(text: str, answer: str | None) -> FloatArray:
    """(3,) ``FINAL_ANSWER_FEATURES`` of a text that states ``answer`` (``stated_answer``), 0 where it states
    none.

    ``stated_length``: log(1 + characters). ``stated_before``: the same characters stand in the text before
    it is stated last; ``stated_just_before``: within the 300 characters before.
    """
    stated = (answer or "").strip()
    if not stated:
        return np.zeros(len(FINAL_ANSWER_FEATURES))
    end = text.rfind(stated)
    before = text[:end] if end >= 0 else text
    return np.array([log1p(len(stated)), float(stated in before), float(stated in before[-_JUST_BEFORE:])])
