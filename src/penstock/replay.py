"""A policy over an outcome table: pure, vectorised over queries, the same step function the gateway
drives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.errors import PenstockError
from penstock.policies.base import NOBODY, Policy, State
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Beliefs:
    """What a router would believe about n queries: expected quality before (``ex_ante``) and after
    (``post_hoc``) each candidate has answered, expected ``cost``, all (n, k), and each query's
    ``draw`` (n,)."""

    ex_ante: FloatArray
    post_hoc: FloatArray
    cost: FloatArray
    draw: FloatArray

    def rows(self, index: IntArray | BoolArray) -> Beliefs:
        """The same, for some of the queries."""
        return Beliefs(self.ex_ante[index], self.post_hoc[index], self.cost[index], self.draw[index])


@dataclass(frozen=True)
class Replayed:
    """What came of n queries: the accepted answer's ``quality`` (n,), ``cost`` (n,) of everything that was
    called, the ``accepted`` candidate (n,; -1 abstained, quality 0) and ``executed`` (n, k)."""

    quality: FloatArray
    cost: FloatArray
    accepted: IntArray
    executed: BoolArray


def replay(policy: Policy, beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> Replayed:
    """Replay ``policy`` over true outcomes ``quality`` and ``cost`` (n, k) without missing cells.

    Raises PenstockError when the policy calls a candidate twice, accepts one it has not called, or does both
    in one step.
    """
    n, k = quality.shape
    state = State(
        quality=beliefs.ex_ante.copy(),
        cost=beliefs.cost,
        executed=np.zeros((n, k), dtype=bool),
        eligible=np.ones((n, k), dtype=bool),
        draw=beliefs.draw,
    )
    accepted = np.full(n, NOBODY)
    active = np.arange(n)
    for _ in range(k + 1):
        step = policy.step(state if len(active) == n else state.rows(active))
        _check(step.call, step.accept, state.executed[active])
        calling = step.call >= 0
        accepted[active[~calling]] = step.accept[~calling]
        rows, columns = active[calling], step.call[calling]
        state.executed[rows, columns] = True
        state.quality[rows, columns] = beliefs.post_hoc[rows, columns]
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
