"""JSON equality: the last JSON object or list of an answer, compared as data."""

from __future__ import annotations

import json
from typing import Any

from penstock.answers.json_text import NOTHING, last_json
from penstock.errors import InputError
from penstock.outcomes.scorers.base import UNPARSABLE, Score
from penstock.registry import register


@register("scorer", "json")
def json_equal(answer_text: str, reference: str) -> Score:
    """1 where both hold the same JSON: key order and white space do not count, 1 equals 1.0, true is not 1.

    The answer is read whole, or else its last object or list is (code fences and prose around it are
    skipped). Raises ``InputError`` where the reference is not JSON.
    """
    try:
        wanted = json.loads(reference)
    except json.JSONDecodeError as error:
        raise InputError(f"the reference {reference!r:.40} is not JSON: {error}") from error
    found = last_json(answer_text)
    if found is NOTHING:
        return UNPARSABLE
    return Score(float(_equal(found, wanted)), json.dumps(found, sort_keys=True, ensure_ascii=False))


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)
