"""What a policy sees and what it says, for a batch of queries at once.

A policy is a pure step function: ``policy.step(state) -> Step``. ``penstock.router.replay`` drives it over a
table, the gateway drives the same object against live models (a batch of one). Arrays have one row per query
and one column per candidate, in the order of the pool.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from penstock.codec import SHARED, take
from penstock.core.hashing import uniform_of
from penstock.errors import PenstockError
from penstock.types import BoolArray, FloatArray, IntArray

NO_CANDIDATE = -1
"""In ``Step``: no candidate."""


class LookaheadModel(Protocol):
    """What answers still to come may show about n queries, and what that is worth. A dataclass of arrays, or
    one with ``__take__`` (``codec.take``)."""

    def next_call(
        self, executed: BoolArray, open_: BoolArray, price: FloatArray, *, first: int, then: int
    ) -> IntArray:
        """(n,) the ``open_`` candidate to call next, -1 to stop, when calls cost ``price`` (n, k) in units of
        quality; ``first`` and ``then`` say how far to look (``core.agreement.next_call``)."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """What is known about n queries while they are being decided. Only a ``Belief`` makes or changes one.

    ``quality`` (n, k): expected quality in [0, 1] of every candidate given all that has been seen; ``cost``
    (n, k): expected cost of calling it; ``executed`` (n, k): already called; ``eligible`` (n, k): may be
    called; ``draw`` (n,): one uniform number in [0, 1) per query, fixed for the query's whole life, so that a
    strategy mixed at random is one strategy per query and a repeated query gets the same decision.
    ``refused`` (n, k): called and declined (its ``quality`` is 0); ``confidence`` (n, k): how sure a called
    candidate said it is (the winner's share of a vote), NaN where it said nothing. ``shift_sd`` (n, k):
    standard deviation of how far the estimate will still shift once the candidate has answered, 0 once it
    has; None where a policy is never to value a look. ``shift_sqrt`` (n, k, k): a square root of the
    covariance of those shifts, rows of executed candidates 0; None where they are independent.
    ``lookahead_model``: what answers still to come may show, for policies that think it through. ``checked``
    (n, k, c): results of the c checks of answers a router knows, NaN where one was not made; None where it
    knows none.
    """

    quality: FloatArray
    cost: FloatArray
    executed: BoolArray
    eligible: BoolArray
    draw: FloatArray
    refused: BoolArray
    confidence: FloatArray
    shift_sd: FloatArray | None = None
    shift_sqrt: FloatArray | None = None
    lookahead_model: LookaheadModel | None = None
    checked: FloatArray | None = None
    checks: tuple[str, ...] = field(default=(), metadata=SHARED)

    def __len__(self) -> int:
        return len(self.quality)

    @classmethod
    def new(
        cls,
        quality: FloatArray,
        cost: FloatArray,
        draw: FloatArray,
        *,
        eligible: BoolArray | None = None,
        shift_sd: FloatArray | None = None,
        shift_sqrt: FloatArray | None = None,
        lookahead_model: LookaheadModel | None = None,
    ) -> State:
        """Nothing called yet; ``eligible`` (n, k) None: everybody may be. Raises ``PenstockError`` where an
        estimate is not a number or an expected cost is below 0."""
        nothing = np.zeros(quality.shape, dtype=bool)
        state = cls(
            quality=quality,
            cost=cost,
            executed=nothing,
            eligible=~nothing if eligible is None else eligible.copy(),
            draw=draw,
            refused=nothing.copy(),
            confidence=np.full(quality.shape, np.nan),
            shift_sd=shift_sd,
            shift_sqrt=shift_sqrt,
            lookahead_model=lookahead_model,
        )
        check_state(state)
        return state

    def rows(self, index: IntArray | BoolArray) -> State:
        """The same, for some of the queries."""
        return take(self, index)


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next for each of n queries: one of call, check and accept, or abstain.

    ``call`` (n,): the candidate to run, or -1; ``accept`` (n,): the executed candidate whose answer is
    returned, or -1. ``check`` (n, 2): the executed candidate whose answer is to be checked, and which of
    ``State.checks`` is to be made, or -1 twice; None where nothing is checked. All -1 means abstain: no
    candidate can serve the query.
    """

    call: IntArray
    accept: IntArray
    check: IntArray | None = None


def reject_nan(**arrays: FloatArray) -> None:
    """Raises PenstockError where a number is missing: comparisons with NaN would decide silently."""
    for name, values in arrays.items():
        rows = np.flatnonzero(np.isnan(values).any(axis=1))
        if rows.size:
            raise PenstockError(
                f"{name} of query {rows[0]} (row, from 0) is not a number; nothing is decided on it"
            )


def check_state(state: State) -> None:
    """Raises PenstockError where no decision can be made: no candidate, a number missing or infinite, a cost
    or a shift below 0. Policies and kernels take it that this was checked where a state begins."""
    if not state.quality.shape[1]:
        raise PenstockError("a pool needs at least one candidate to decide among")
    _check("expected quality", state.quality)
    _check("expected cost", state.cost, least=0.0)
    if state.shift_sd is not None:
        _check("shift_sd", state.shift_sd, least=0.0)
    if state.shift_sqrt is not None:
        _check("shift_sqrt", state.shift_sqrt.reshape(len(state), -1))


def _check(name: str, values: FloatArray, least: float = -np.inf) -> None:
    reject_nan(**{name: values})
    bad = np.isinf(values) | (values < least)
    rows = np.flatnonzero(bad.any(axis=1))
    if rows.size:
        found = values[rows[0]][bad[rows[0]]][0]
        must = "be finite" if np.isinf(found) else f"be at least {least:g}"
        raise PenstockError(f"{name} of query {rows[0]} (row, from 0) is {found:g}; it must {must}")


def draw_of(query_id: str, seed: int) -> float:
    """The query's uniform number: a hash of its id and the seed, never a generator's state.

    Independent of ``split_by_group``'s number of the same seed: else the test side would hold no small draws.
    """
    return uniform_of(f"draw:{seed}:{query_id}")
