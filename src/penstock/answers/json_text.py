"""The last JSON object or list of a text."""

from __future__ import annotations

import json
from typing import Any

NOTHING = object()
"""No JSON was found; None is JSON too."""


def last_json(text: str) -> Any:
    """Of a whole text that is JSON, or else of its last object or list; ``NOTHING`` where there is none, or
    where it is nested too deep to be read."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass  # there is prose around it
    except RecursionError:
        return NOTHING
    decoder, found, at = json.JSONDecoder(), NOTHING, 0
    while (at := _next_opening(text, at)) >= 0:
        try:
            found, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            at += 1
        except RecursionError:
            return NOTHING
    return found


def _next_opening(text: str, start: int) -> int:
    places = [place for bracket in "{[" if (place := text.find(bracket, start)) >= 0]
    return min(places, default=-1)
