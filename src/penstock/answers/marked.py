"""Reads the final answer out of a response and compares it with the reference. Deterministic and strict."""

from __future__ import annotations

import re

_FINAL = re.compile(r"(?:^|\s)answer\s*:\s*(\d{1,2}|[a-z](?:\s+[a-z])*)\s*\.?\s*$")


def extract_answer(text: str) -> str | None:
    """The answer a response ends in, or None.

    A response must *end* in "answer : " and a number or single letters separated by spaces (a full stop may
    follow). Anything after it, an answer in the middle only, or a cut-off response gives None: a lucky
    mention is not an answer.
    """
    found = _FINAL.search(text.lower())
    if found is None:
        return None
    return " ".join(found.group(1).split())


def is_correct(text: str, reference: str) -> bool:
    """Whether the response ends in exactly the reference answer. Refusals and unparsable responses are not
    correct.
    """
    return extract_answer(text) == " ".join(reference.lower().split())
