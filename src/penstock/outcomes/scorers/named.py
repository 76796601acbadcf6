"""Scorers by the name that the command line knows them under."""

from __future__ import annotations

from penstock import registry
from penstock.errors import InputError
from penstock.outcomes.scorers.base import Scorer
from penstock.outcomes.scorers.pattern import PatternScorer
from penstock.registry import Room


def scorer_named(name: str, *, pattern: str | None = None) -> Scorer:
    """The registered scorer of that name. ``pattern`` is for ``regex``: where the final answer stands.

    Raises ``InputError`` where nothing has the name.
    """
    found: Scorer = registry.find(Room.SCORER, name, field="--scorer")
    if pattern is None:
        return found
    if name != "regex":
        raise InputError(f"a pattern is for the scorer regex, not for {name}", field="--pattern")
    return PatternScorer.of(pattern)
