"""Which candidates gave the same answer: the post-hoc signal of open-form questions (papers.md, C7).

Answers are brought to a normal form by a ``Normaliser`` and numbered within their query, so that comparing
two candidates on n queries is one comparison of two columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

import numpy as np

from penstock.outcomes.grid import Grid
from penstock.outcomes.scorers.numeric import number_of
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Status

Normaliser = Callable[[Answer], str | None]
"""The normal form of an answer: equal for answers that say the same, None where it says nothing."""

NONE = -1
"""The code of a cell without a comparable answer. It agrees with nobody, not even with another such cell."""

_NUMBER = re.compile(r"[-−+]?\s?[$€£]?\s?[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]?\d{1,3})?\s?%?")
_LEADING_ZEROS = re.compile(r"(?<![\d.,])0+(?=\d)")
_NUMBERED = re.compile(r"^\W*(\d+)\s*[.):]\s*(.+)$")
_BLOCK = re.compile(r"\[plan\](.*?)(?:\[plan end\]|\[/plan\]|\Z)", re.DOTALL)
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


def short_text(answer: Answer, longest: int = 200) -> str | None:
    """The whole text, for answers of at most ``longest`` characters: texts of any length never agree."""
    return canonical(answer.text) if len(answer.text) <= longest else None


def listed_steps(ignored: Collection[str] = ()) -> Normaliser:
    """A normaliser of plans: the steps of a ``[PLAN]`` block, else of the text's last numbered list.

    Of every step the words that carry it are compared: no markup, no remark after a colon or bracket, none
    of the ``ignored`` words.
    """
    dropped = frozenset(ignored)

    def normalise(answer: Answer) -> str | None:
        steps = (_step(line, dropped) for line in _steps(answer.text.casefold()))
        return " | ".join(step for step in steps if step) or None

    return normalise


def codes(grid: Grid, normaliser: Normaliser = final_answer) -> IntArray:
    """(n, k): answers numbered within their query, equal numbers for the same normal form.

    ``NONE`` where the candidate was not asked, refused, failed or gave nothing comparable: ``same_answer``
    tells such cells from agreement.
    """
    n, k = grid.quality.shape
    forms = ([normal_form(grid.answer_of(i, j), normaliser) for j in range(k)] for i in range(n))
    return np.array([numbered(row) for row in forms], dtype=np.int64).reshape(n, k)


def normal_form(answer: Answer, normaliser: Normaliser) -> str | None:
    """The normal form of an answer that came back; None of a refusal, a failure or no outcome."""
    return normaliser(answer) if answer.status is Status.ANSWERED else None


def numbered(forms: Sequence[str | None]) -> list[int]:
    """The codes of one query's normal forms, in order of first appearance."""
    known: dict[str, int] = {}
    return [NONE if form is None else known.setdefault(form, len(known)) for form in forms]


def same_answer(code: IntArray, first: int, second: int) -> BoolArray:
    """(n,): both candidates gave a comparable answer, and the same one."""
    same: BoolArray = (code[:, first] == code[:, second]) & (code[:, first] != NONE)
    return same


def agreement(code: IntArray, executed: BoolArray) -> FloatArray:
    """(n, k): the share of the other executed candidates that gave the candidate's answer.

    ``executed`` (n, k). NaN where the candidate itself was not executed or no other was.
    """
    visible = np.where(executed, code, NONE)
    equal = (visible[:, :, None] == visible[:, None, :]) & (visible != NONE)[:, :, None]
    agreeing = equal.sum(axis=2) - (visible != NONE)
    others = executed.sum(axis=1, keepdims=True) - executed
    share = np.full(executed.shape, np.nan)
    np.divide(agreeing, others, out=share, where=executed & (others > 0))
    return share


def _steps(text: str) -> list[str]:
    blocks = _BLOCK.findall(text)
    if blocks:
        return [line for line in blocks[-1].splitlines() if line.strip()]
    steps: list[str] = []
    for line in text.splitlines():
        item = _NUMBERED.match(line)
        if item:
            # a list that starts again is the plan after a change of mind
            steps = [item[2]] if int(item[1]) == 1 else [*steps, item[2]]
    return steps


def _step(line: str, ignored: frozenset[str]) -> str:
    bare = re.sub(r"^\W*(?:\d+\s*[.)]\s*)?", "", line)
    words = re.findall(r"[\w-]+", _END_OF_STEP.split(bare)[0])
    return " ".join(word for word in words if word not in ignored)
