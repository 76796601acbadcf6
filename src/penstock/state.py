"""What a policy sees and what it says, for a batch of queries at once.

A policy is a pure step function: ``policy.step(state) -> Step``. ``penstock.router.replay`` drives it over a
table, the gateway drives the same object against live models (a batch of one). Arrays have one row per query
and one column per candidate, in the order of the pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from penstock.core.hashing import uniform_of
from penstock.errors import PenstockError
from penstock.types import BoolArray, FloatArray, IntArray

NOBODY = -1
"""In ``Step``: no candidate."""


class Outlook(Protocol):
    """What answers still to come may show about n queries, and what that is worth."""

    def rows(self, index: IntArray | BoolArray) -> Outlook:
        """The same, for some of the queries."""
        ...

    def ahead(
        self, executed: BoolArray, open_: BoolArray, price: FloatArray, *, first: int, then: int
    ) -> IntArray:
        """(n,) the ``open_`` candidate to call next, -1 to stop, when calls cost ``price`` (n, k) in units of
        quality; ``first`` and ``then`` say how far to look (``core.consensus.look_ahead``)."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """What is known about n queries while they are being decided.

    ``quality`` (n, k): expected quality in [0, 1] of every candidate given all that has been seen; ``cost``
    (n, k): expected cost of calling it; ``executed`` (n, k): already called; ``eligible`` (n, k): may
    be called;
    ``draw`` (n,): one uniform number in [0, 1) per query, fixed for the query's whole life, so that a
    strategy mixed at random is one strategy per query and a repeated query gets the same decision.
    ``spread`` (n, k): standard deviation of how far the estimate will still move once the candidate has
    answered, 0 once it has; None where a policy is never to value a look. ``factor`` (n, k, k): a square root
    of the covariance of those moves, rows of executed candidates 0; None where they are independent.
    ``refused`` (n, k): called and declined (its ``quality`` is 0); ``confidence`` (n, k): how sure a called
    candidate said it is (the winner's share of a vote), NaN where it said nothing; None where nobody kept
    account of them. ``outlook``: what answers still to come may show, for policies that think it through.
    """

    quality: FloatArray
    cost: FloatArray
    executed: BoolArray
    eligible: BoolArray
    draw: FloatArray
    spread: FloatArray | None = None
    factor: FloatArray | None = None
    refused: BoolArray | None = None
    confidence: FloatArray | None = None
    outlook: Outlook | None = None

    def __len__(self) -> int:
        return len(self.quality)

    def rows(self, index: IntArray | BoolArray) -> State:
        """The same, for some of the queries."""
        return State(
            self.quality[index],
            self.cost[index],
            self.executed[index],
            self.eligible[index],
            self.draw[index],
            None if self.spread is None else self.spread[index],
            None if self.factor is None else self.factor[index],
            None if self.refused is None else self.refused[index],
            None if self.confidence is None else self.confidence[index],
            None if self.outlook is None else self.outlook.rows(index),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next for each of n queries.

    ``call`` (n,): the candidate to run, or -1; ``accept`` (n,): the executed candidate whose answer is
    returned, or -1. Both -1 means abstain: no candidate can serve the query.
    """

    call: IntArray
    accept: IntArray


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
    or a spread below 0. Policies and kernels take it that this was checked where a state begins."""
    if not state.quality.shape[1]:
        raise PenstockError("a pool needs at least one candidate to decide among")
    _check("expected quality", state.quality)
    _check("expected cost", state.cost, least=0.0)
    if state.spread is not None:
        _check("spread", state.spread, least=0.0)
    if state.factor is not None:
        _check("factor", state.factor.reshape(len(state), -1))


def _check(name: str, values: FloatArray, least: float = -np.inf) -> None:
    reject_nan(**{name: values})
    bad = np.isinf(values) | (values < least)
    rows = np.flatnonzero(bad.any(axis=1))
    if rows.size:
        found = values[rows[0]][bad[rows[0]]][0]
        must = "be finite" if np.isinf(found) else f"be at least {least:g}"
        raise PenstockError(f"{name} of query {rows[0]} (row, from 0) is {found:g}; it must {must}")


def draw_of(query_id: str, seed: int) -> float:
    """The query's uniform number: a hash of its id and the seed, never a generator's state (papers C1 [O]).

    Independent of ``split_by_group``'s number of the same seed: else the test side would hold no small draws.
    """
    return uniform_of(f"draw:{seed}:{query_id}")
