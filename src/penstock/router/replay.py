"""A policy over an outcome table: pure, vectorised over queries, the same step function the gateway
drives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from penstock.errors import PenstockError
from penstock.policies.base import Policy
from penstock.state import NOBODY, State, check_state, reject_nan
from penstock.types import BoolArray, FloatArray, IntArray


class BeliefSource(Protocol):
    """What a router would believe about a fixed set of n queries as answers come in."""

    def begin(self) -> State:
        """The state before anything was called. Its arrays belong to the caller."""
        ...

    def observe(self, state: State, rows: IntArray, columns: IntArray) -> State:
        """The state after ``columns[i]`` has answered query ``rows[i]``; may change ``state`` in place."""
        ...


@dataclass(frozen=True)
class Beliefs:
    """Estimates that an answer changes only for its own candidate: expected quality before (``ex_ante``) and
    after (``post_hoc``) each candidate has answered, expected ``cost``, all (n, k), each query's ``draw``
    (n,), and the ``spread`` (n, k) of post-hoc around ex-ante where it is known. ``refused`` and
    ``confidence`` (n, k) are what answers would say (``policies.base.State``), where that is known."""

    ex_ante: FloatArray
    post_hoc: FloatArray
    cost: FloatArray
    draw: FloatArray
    spread: FloatArray | None = None
    refused: BoolArray | None = None
    confidence: FloatArray | None = None

    def rows(self, index: IntArray | BoolArray) -> Beliefs:
        """The same, for some of the queries."""
        return Beliefs(
            self.ex_ante[index],
            self.post_hoc[index],
            self.cost[index],
            self.draw[index],
            None if self.spread is None else self.spread[index],
            None if self.refused is None else self.refused[index],
            None if self.confidence is None else self.confidence[index],
        )

    def begin(self) -> State:
        """Nothing called, everything eligible."""
        return State(
            quality=self.ex_ante.copy(),
            cost=self.cost,
            executed=np.zeros(self.ex_ante.shape, dtype=bool),
            eligible=np.ones(self.ex_ante.shape, dtype=bool),
            draw=self.draw,
            spread=None if self.spread is None else self.spread.copy(),
            refused=None if self.refused is None else np.zeros_like(self.refused),
            confidence=None if self.confidence is None else np.full_like(self.confidence, np.nan),
        )

    def observe(self, state: State, rows: IntArray, columns: IntArray) -> State:
        """Own estimates move to post-hoc, in place."""
        state.executed[rows, columns] = True
        state.quality[rows, columns] = self.post_hoc[rows, columns]
        if state.spread is not None:
            state.spread[rows, columns] = 0.0
        if state.refused is not None and self.refused is not None:
            state.refused[rows, columns] = self.refused[rows, columns]
            state.quality[rows, columns] *= ~self.refused[rows, columns]
        if state.confidence is not None and self.confidence is not None:
            state.confidence[rows, columns] = self.confidence[rows, columns]
        return state


@dataclass(frozen=True)
class Replayed:
    """What came of n queries: the accepted answer's ``quality`` (n,), ``cost`` (n,) of everything that was
    called, the ``accepted`` candidate (n,; -1 abstained, quality 0) and ``executed`` (n, k)."""

    quality: FloatArray
    cost: FloatArray
    accepted: IntArray
    executed: BoolArray


def replay(policy: Policy, beliefs: BeliefSource, quality: FloatArray, cost: FloatArray) -> Replayed:
    """Replay ``policy`` over true outcomes ``quality`` and ``cost`` (n, k) without missing cells.

    Raises PenstockError when the policy calls a candidate twice, accepts one it has not called, or does both
    in one step; when an outcome or a belief is not a number, or an expected cost or spread is below 0.
    """
    reject_nan(quality=quality, cost=cost)
    n, k = quality.shape
    state = beliefs.begin()
    check_state(state)
    accepted = np.full(n, NOBODY)
    active = np.arange(n)
    for _ in range(k + 1):
        reject_nan(expected_quality=state.quality)
        step = policy.step(state if len(active) == n else state.rows(active))
        _check(step.call, step.accept, state.executed[active])
        calling = step.call >= 0
        accepted[active[~calling]] = step.accept[~calling]
        rows, columns = active[calling], step.call[calling]
        state = beliefs.observe(state, rows, columns)
        active = rows
        if not active.size:
            break
    index = np.arange(n)
    got = np.where(accepted >= 0, quality[index, np.maximum(accepted, 0)], 0.0)
    return Replayed(got, (cost * state.executed).sum(axis=1), accepted, state.executed)


def _check(call: IntArray, accept: IntArray, executed: BoolArray) -> None:
    rows = np.arange(len(call))
    again = (call >= 0) & executed[rows, np.maximum(call, 0)]
    unseen = (call < 0) & (accept >= 0) & ~executed[rows, np.maximum(accept, 0)]
    both = (call >= 0) & (accept >= 0)
    if again.any() or unseen.any() or both.any():
        what = "accepted an answer it had not asked for" if unseen.any() else "called and accepted at once"
        what = "called a candidate twice" if again.any() else what
        raise PenstockError(f"the policy {what}: it must call, then accept, each candidate at most once")
