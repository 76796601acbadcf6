"""The final answer of a text, in a form in which two are the same or not: what samples vote with."""

from __future__ import annotations

from collections.abc import Callable

from penstock.answers.choice import choice_of
from penstock.answers.number import number_of
from penstock.answers.pattern import Pattern
from penstock.errors import InputError

FinalAnswer = Callable[[str], str | None]
"""None where a text holds no final answer."""


def final_answer_named(name: str, pattern: str | None = None) -> FinalAnswer:
    """``text`` (all of it, up to case and spacing), ``numeric`` or ``choice`` (as the scorers of these names
    read them), or ``regex``: what ``pattern`` finds last, its first group where it has one.

    Raises ``InputError`` for another name, and for a pattern that is missing, not valid or not for ``regex``.
    """
    if (pattern is not None) != (name == "regex"):
        said = "regex needs one" if pattern is None else f"it is for regex, not for {name}"
        raise InputError(said, field="pattern")
    if name == "regex":
        return _found_by(Pattern.of(pattern or ""))
    if name not in _KNOWN:
        raise InputError(f"must be one of {', '.join((*_KNOWN, 'regex'))}, not {name!r}", field="answer")
    return _KNOWN[name]


def _found_by(pattern: Pattern) -> FinalAnswer:
    def find(text: str) -> str | None:
        found = pattern.last(text)
        return None if found is None else _text(found)

    return find


def _text(text: str) -> str | None:
    return " ".join(text.casefold().split()) or None


def _numeric(text: str) -> str | None:
    found = number_of(text)
    return None if found is None else f"{found.normalize() + 0:f}"


_KNOWN: dict[str, FinalAnswer] = {"text": _text, "numeric": _numeric, "choice": choice_of}
