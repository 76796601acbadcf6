"""What a scorer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Score:
    """``quality`` in [0, 1]; ``extracted``: the final answer found in the text, None where none was found."""

    quality: float
    extracted: str | None


UNPARSABLE = Score(0.0, None)
"""No final answer could be read: that is wrong, not unknown."""


class Scorer(Protocol):
    """Compares one answer with its reference.

    Raises ``InputError`` where the *reference* cannot be read; whatever the answer is, it gets a score.
    """

    def __call__(self, answer_text: str, reference: str) -> Score: ...
