"""Where a regular expression says that the final answer stands."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from penstock.errors import InputError


@dataclass(frozen=True, slots=True)
class Pattern:
    """A checked expression; its first group is the answer where it has one, else its whole match."""

    expression: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Raises ``InputError`` where the expression is not valid."""
        try:
            return cls(re.compile(text))
        except re.error as error:
            raise InputError(f"{text!r:.60} is not a regular expression: {error}") from error

    def last(self, text: str) -> str | None:
        """What it finds last, white space trimmed; None where it finds nothing."""
        found = deque(self.expression.finditer(text), maxlen=1)
        return (found[0][1 if self.expression.groups else 0] or "").strip() if found else None
