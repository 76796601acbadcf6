"""The normal form of an answer: what is left of it when candidates are asked whether they say the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from itertools import groupby

from penstock.answers.number import number_of
from penstock.types import Answer

Normaliser = Callable[[Answer], str | None]
"""The normal form of an answer: equal for answers that say the same, None where it says nothing."""

_NUMBER = re.compile(r"[-−+]?\s?[$€£]?\s?[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]?\d{1,3})?\s?%?")
_LEADING_ZEROS = re.compile(r"(?<![\d.,])0+(?=\d)")
_NUMBERED = re.compile(r"^\W*(\d+)\s*[.):]\s*(.+)$")
_BLOCK = re.compile(r"\[plan\](.*?)(?:\[plan end\]|\[/plan\]|\Z)", re.DOTALL)
_END_OF_BLOCK = re.compile(r"\[(?:plan end|/plan)\]")
_STEP_WORDS = 15
_END_OF_STEP = re.compile(r"[(:.;]| - ")


def canonical(text: str) -> str | None:
    """A short answer without what does not change it: case, spacing, outer punctuation, ``$1,200.0`` = 1200.

    A percent sign is dropped, as ``scorers.numeric`` does; ``07/08/1971`` = ``7/8/1971``. None where nothing
    is left.
    """
    plain = " ".join(text.casefold().split()).strip(" .,;:!\"'`*()[]")
    if any(c.isdigit() for c in plain) and _NUMBER.fullmatch(plain):
        number = number_of(plain)
        if number is not None:
            return f"{number.normalize() + 0:f}"
    return _LEADING_ZEROS.sub("", plain) or None


def final_answer(answer: Answer) -> str | None:
    """The final answer a scorer extracted."""
    return None if answer.extracted is None else canonical(answer.extracted)


def final_exactly(answer: Answer) -> str | None:
    """The final answer a scorer extracted, to the letter."""
    return (answer.extracted or "").strip() or None


def short_text(answer: Answer, longest: int = 200) -> str | None:
    """The whole text, for answers of at most ``longest`` characters: texts of any length never agree."""
    return canonical(answer.text) if len(answer.text) <= longest else None


def listed_steps(ignored: Collection[str] = ()) -> Normaliser:
    """A normaliser of plans: the steps of a ``[PLAN]`` block, else of the text's last numbered list, else its
    longest run of short lines.

    Of every step the words that carry it are compared: no markup, no remark after a colon or bracket, none
    of the ``ignored`` words.
    """
    dropped = frozenset(ignored)

    def normalise(answer: Answer) -> str | None:
        steps = (_step(line, dropped) for line in _steps(answer.text.casefold()))
        return " | ".join(step for step in steps if step) or None

    return normalise


def _steps(text: str) -> list[str]:
    blocks = _BLOCK.findall(text)
    if blocks:
        return _numbered(blocks[-1]) or [line for line in blocks[-1].splitlines() if line.strip()]
    plan = _END_OF_BLOCK.split(text)[0]
    return _numbered(plan) or _longest_run(plan.splitlines())


def _numbered(text: str) -> list[str]:
    steps: list[str] = []
    for line in text.splitlines():
        item = _NUMBERED.match(line)
        if item:
            # a list that starts again is the plan after a change of mind
            steps = [item[2]] if int(item[1]) == 1 else [*steps, item[2]]
    return steps


def _longest_run(lines: list[str]) -> list[str]:
    runs = groupby(
        lines, key=lambda x: bool(x.strip()) and x.strip()[-1] != ":" and len(x.split()) <= _STEP_WORDS
    )
    return max((list(run) for short, run in runs if short), key=len, default=[])


def _step(line: str, ignored: frozenset[str]) -> str:
    bare = re.sub(r"^\W*(?:\d+\s*[.)]\s*)?", "", line)
    words = re.findall(r"[\w-]+", _END_OF_STEP.split(bare)[0])
    return " ".join(word for word in words if word not in ignored)
