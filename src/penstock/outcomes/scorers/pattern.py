"""A regular expression that says where the final answer stands."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.answers.pattern import Pattern
from penstock.outcomes.scorers.base import UNPARSABLE, Score
from penstock.registry import register


@dataclass(frozen=True, slots=True)
class PatternScorer:
    """1 where what ``pattern`` finds last equals the reference (white space trimmed).

    A pattern with a group gives the first group, one without its whole match. Without a ``pattern`` the
    reference itself is the expression, and finding it anywhere is 1.
    """

    pattern: Pattern | None = None

    @classmethod
    def of(cls, pattern: str | None) -> PatternScorer:
        """Raises ``InputError`` where the expression is not valid."""
        return cls(None if pattern is None else Pattern.of(pattern))

    def __call__(self, answer_text: str, reference: str) -> Score:
        wanted = Pattern.of(reference) if self.pattern is None else self.pattern
        found = wanted.last(answer_text)
        if found is None:
            return UNPARSABLE
        return Score(1.0 if self.pattern is None else float(found == reference.strip()), found)


register("scorer", "regex")(PatternScorer())
