"""A regular expression that says where the final answer stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from penstock.errors import InputError
from penstock.outcomes.scorers.base import UNPARSABLE, Score


@dataclass(frozen=True, slots=True)
class PatternScorer:
    """1 where what ``pattern`` finds last equals the reference (white space trimmed).

    A pattern with a group gives the first group, one without its whole match. Without a ``pattern`` the
    reference itself is the expression, and finding it anywhere is 1.
    """

    pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, pattern: str | None) -> PatternScorer:
        """Raises ``InputError`` where the expression is not valid."""
        return cls(None if pattern is None else _compiled(pattern))

    def __call__(self, answer_text: str, reference: str) -> Score:
        wanted = _compiled(reference) if self.pattern is None else self.pattern
        found = list(wanted.finditer(answer_text))
        if not found:
            return UNPARSABLE
        extracted = (found[-1][1 if wanted.groups else 0] or "").strip()
        return Score(1.0 if self.pattern is None else float(extracted == reference.strip()), extracted)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InputError(f"{pattern!r:.60} is not a regular expression: {error}") from error
