"""A policy over an outcome table: pure, vectorised over queries, the same step function and the same beliefs
that the gateway drives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.belief import Answered, Belief, observe
from penstock.errors import PenstockError
from penstock.policies.base import Policy
from penstock.state import NO_CANDIDATE, Step, reject_nan
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Replayed:
    """What came of n queries: the accepted answer's ``quality`` (n,), ``cost`` (n,) of everything that was
    called, the ``accepted`` candidate (n,; -1 abstained, quality 0) and ``executed`` (n, k)."""

    quality: FloatArray
    cost: FloatArray
    accepted: IntArray
    executed: BoolArray


def replay(policy: Policy, belief: Belief, quality: FloatArray, cost: FloatArray) -> Replayed:
    """Replay ``policy`` over true outcomes ``quality`` and ``cost`` (n, k) without missing cells.

    Raises PenstockError when the policy calls a candidate twice, accepts one it has not called, asks for a
    check, or does two things in one step; when an outcome or a belief is not a number, or an expected cost is
    below 0.
    """
    reject_nan(quality=quality, cost=cost)
    n, k = quality.shape
    state = belief.begin()
    accepted = np.full(n, NO_CANDIDATE)
    active = np.arange(n)
    for _ in range(k + 1):
        step = policy.step(state if len(active) == n else state.rows(active))
        _check(step, state.executed[active])
        calling = step.call >= 0
        accepted[active[~calling]] = step.accept[~calling]
        active, columns = active[calling], step.call[calling]
        if not active.size:
            break
        state = observe(belief, state, Answered(active, columns))
    index = np.arange(n)
    got = np.where(accepted >= 0, quality[index, np.maximum(accepted, 0)], 0.0)
    return Replayed(got, (cost * state.executed).sum(axis=1), accepted, state.executed)


def _check(step: Step, executed: BoolArray) -> None:
    call, accept = step.call, step.accept
    rows = np.arange(len(call))
    again = (call >= 0) & executed[rows, np.maximum(call, 0)]
    unseen = (call < 0) & (accept >= 0) & ~executed[rows, np.maximum(accept, 0)]
    both = (call >= 0) & (accept >= 0)
    if step.check is not None and (step.check >= 0).any():
        raise PenstockError("the policy asked for a check of an answer, and no checks are on record")
    if again.any() or unseen.any() or both.any():
        what = "accepted an answer it had not asked for" if unseen.any() else "called and accepted at once"
        what = "called a candidate twice" if again.any() else what
        raise PenstockError(f"the policy {what}: it must call, then accept, each candidate at most once")
