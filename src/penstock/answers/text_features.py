"""What the text of an answer gives away without being understood: doubt, refusal, code, loops, its end."""

from __future__ import annotations

import math
import re
import zlib

import numpy as np

from penstock.types import FloatArray

TEXT_FEATURES = ("hedges", "declines", "has_code", "digit_share", "repeats", "ends_mid_sentence")

_HEDGES = (
    "not sure",
    "i think",
    "i believe",
    "probably",
    "perhaps",
    "maybe",
    "might ",
    "could be",
    "seems",
    "likely",
    "unclear",
    "assum",
    "apolog",
    "mistake",
    "confus",
    "not provided",
    "however",
    "closest",
)
_DECLINES = (
    "i cannot",
    "i can't",
    "i'm sorry",
    "i am sorry",
    "unable to",
    "cannot be determined",
    "not enough information",
    "insufficient information",
    "impossible to",
    "as an ai",
    "none of the",
    "no solution",
)
_DIGITS = re.compile(r"[0-9]")
_LOOKED_AT = 2000
_LONG = 40


def text_features(text: str) -> FloatArray:
    """(6,) ``TEXT_FEATURES`` of a text, 0 for an empty one; of a long one its last 2,000 characters are
    read."""
    tail = text[-_LOOKED_AT:]
    if not tail.strip():
        return np.zeros(len(TEXT_FEATURES))
    lowered = tail.casefold()
    raw = tail.encode("utf-8", "replace")
    last = tail.rstrip()[-1]
    found = (
        math.log1p(sum(lowered.count(phrase) for phrase in _HEDGES)),
        float(any(phrase in lowered for phrase in _DECLINES)),
        float("```" in tail or "def " in tail),
        len(_DIGITS.findall(tail)) / len(tail),
        math.log(len(raw) / len(zlib.compress(raw, 1))),
        float(len(tail) > _LONG and (last.isalpha() or last in ",:;-(")),
    )
    return np.array(found)
