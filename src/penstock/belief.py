"""What is believed of a batch of queries while answers come in: the only place where a state is made or
changed.

Replay over a table, evaluation and live serving go through the same two methods; a live request is a batch of
one. What came back is an ``Observation``: an answer, a failure, a check's result. In a replay answers were
recorded when the belief was made, and an observation only says whose came; live it carries them, and the
belief reads them by the same functions that read the table's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np

from penstock.codec import SHARED
from penstock.errors import InputError
from penstock.state import State, reject_nan
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Status


@dataclass(frozen=True, slots=True)
class Observation:
    """Something came back from candidates ``columns[i]`` on queries ``rows[i]``, both (m,)."""

    rows: IntArray
    columns: IntArray


@dataclass(frozen=True, slots=True)
class Answered(Observation):
    """Answers came. ``answers`` (m) are live ones; None: those that were recorded."""

    answers: tuple[Answer, ...] | None = None

    @classmethod
    def live(cls, column: int, answer: Answer, row: int = 0) -> Answered:
        """One answer that has just come."""
        return cls(np.array([row]), np.array([column]), (answer,))


@dataclass(frozen=True, slots=True)
class Failed(Observation):
    """Candidates could not be asked: they have not run, and will not on these queries."""

    @classmethod
    def live(cls, column: int, row: int = 0) -> Failed:
        """One candidate that has just failed."""
        return cls(np.array([row]), np.array([column]))


@dataclass(frozen=True, slots=True)
class Checked(Observation):
    """The answers were checked by ``check``: ``result`` (m,) of each, in the check's own scale."""

    check: str
    result: FloatArray


class GoesBy(StrEnum):
    """What of an answer a policy goes by, or a belief moves by: nothing, each answer by itself, or who agrees
    with whom."""

    NOTHING = "nothing"
    ANSWERS = "own answer features"
    AGREEMENT = "agreement"


class Belief(Protocol):
    """What is believed of n queries. A dataclass of arrays, or one with ``__take__`` (``codec.take``)."""

    def begin(self, eligible: BoolArray | None = None) -> State:
        """The state before anything was called; ``eligible`` (n, k) None: everybody may be. Its arrays belong
        to the caller, but for ``cost`` and ``draw``. Raises ``PenstockError`` where an estimate is not a
        number."""
        ...

    def observe(self, state: State, seen: Observation) -> State:
        """The state after something came back; may change ``state`` in place, any candidate's quality and
        cost in it, run or not (Theorem 3 of De Koninck et al. 2025). A refused answer is worth 0. Raises
        ``InputError`` for an observation this belief can make nothing of."""
        ...


def observe(belief: Belief, state: State, seen: Observation) -> State:
    """``belief.observe``, checked: PenstockError where an estimate is then not a number."""
    state = belief.observe(state, seen)
    if np.isnan(state.quality[seen.rows]).any() or np.isnan(state.cost[seen.rows]).any():
        reject_nan(expected_quality=state.quality, expected_cost=state.cost)
    return state


def observed(state: State, seen: Observation) -> State:
    """What every belief does alike: a failure takes the candidate out, an answer marks it as run.

    Raises ``InputError`` for observations of another kind.
    """
    if isinstance(seen, Failed):
        state.eligible[seen.rows, seen.columns] = False
    elif isinstance(seen, Answered):
        state.executed[seen.rows, seen.columns] = True
        if state.shift_sd is not None:
            state.shift_sd[seen.rows, seen.columns] = 0.0
    else:
        raise InputError(f"this router was fitted without checks: it can make nothing of {seen}")
    return state


ReadAnswers = Callable[[FloatArray, Sequence[Answer], IntArray], FloatArray]
"""(ex-ante estimates (m,), m answers, their candidates' columns (m,)) -> estimates (m,) now that they
came."""


@dataclass(frozen=True)
class OwnAnswerBelief:
    """An answer changes its own candidate's estimate and no other: expected quality before (``ex_ante``) and
    after (``post_hoc``) each candidate has answered, expected ``cost``, all (n, k), each query's ``draw``
    (n,), and how far estimates shift (``shift_sd`` (n, k), where it is known).

    ``refused`` and ``confidence`` (n, k) are what recorded answers say of themselves; None: nothing. Live
    answers are read by ``read`` and recorded here as they come.
    """

    ex_ante: FloatArray
    post_hoc: FloatArray
    cost: FloatArray
    draw: FloatArray
    shift_sd: FloatArray | None = None
    refused: BoolArray | None = None
    confidence: FloatArray | None = None
    read: ReadAnswers | None = field(default=None, metadata=SHARED, repr=False, compare=False)

    def begin(self, eligible: BoolArray | None = None) -> State:
        """Everything as expected ex ante."""
        shift_sd = None if self.shift_sd is None else self.shift_sd.copy()
        return State.new(self.ex_ante.copy(), self.cost, self.draw, eligible=eligible, shift_sd=shift_sd)

    def observe(self, state: State, seen: Observation) -> State:
        """Own estimates move to post-hoc, in place."""
        state = observed(state, seen)
        if isinstance(seen, Answered):
            at = seen.rows, seen.columns
            state.quality[at] = self._estimates(seen)
            refused, confidence = said_of(seen, self.refused, self.confidence)
            state.refused[at], state.confidence[at] = refused, confidence
            state.quality[at] *= ~refused
        return state

    def _estimates(self, seen: Answered) -> FloatArray:
        at = seen.rows, seen.columns
        if seen.answers is None:
            return self.post_hoc[at]
        return (
            self.ex_ante[at] if self.read is None else self.read(self.ex_ante[at], seen.answers, seen.columns)
        )


def said_of(
    seen: Answered, refused: BoolArray | None, confidence: FloatArray | None
) -> tuple[BoolArray, FloatArray]:
    """(m,) whether each answer declined and (m,) how sure it says it is, NaN where it says nothing: of live
    answers, or as recorded in ``refused`` and ``confidence`` (n, k)."""
    at = seen.rows, seen.columns
    if seen.answers is not None:
        declined = np.array([a.status is not Status.ANSWERED for a in seen.answers], dtype=bool)
        sure = [np.nan if a.confidence is None else a.confidence for a in seen.answers]
        return declined, np.array(sure, dtype=np.float64)
    return (
        np.zeros(len(seen.rows), dtype=bool) if refused is None else refused[at],
        np.full(len(seen.rows), np.nan) if confidence is None else confidence[at],
    )
