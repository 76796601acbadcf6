"""Which candidates gave the same answer: the post-hoc feature of open-form questions.

Answers are brought to a normal form by a ``Normaliser`` and numbered within their query, so that comparing
two candidates on n queries is one comparison of two columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penstock.answers.canonical import Normaliser
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Status

NONE = -1
"""The code of a cell without a comparable answer. It agrees with nobody, not even with another such cell."""


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
