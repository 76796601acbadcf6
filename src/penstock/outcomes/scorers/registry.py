"""Scorers by the name the command line knows them under."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.errors import InputError
from penstock.outcomes.scorers.base import Scorer
from penstock.outcomes.scorers.choice import multiple_choice
from penstock.outcomes.scorers.exact import exact_match
from penstock.outcomes.scorers.json_equal import json_equal
from penstock.outcomes.scorers.numeric import numeric
from penstock.outcomes.scorers.pattern import PatternScorer

BUILT_IN: Mapping[str, Scorer] = {
    "exact": exact_match,
    "choice": multiple_choice,
    "numeric": numeric,
    "regex": PatternScorer(),
    "json": json_equal,
}


def scorer_named(
    name: str, *, pattern: str | None = None, others: Mapping[str, Scorer] | None = None
) -> Scorer:
    """A built-in scorer, or one of ``others`` (verifiers that live further right). ``pattern`` is for
    ``regex``.

    Raises ``InputError`` where nothing has the name.
    """
    known = {**BUILT_IN, **(others or {})}
    if name not in known:
        raise InputError(f"no scorer is called {name!r}; there are {', '.join(known)}", field="--scorer")
    if pattern is None:
        return known[name]
    if name != "regex":
        raise InputError(f"a pattern is for the scorer regex, not for {name}", field="--pattern")
    return PatternScorer.of(pattern)
