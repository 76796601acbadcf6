"""The threshold cascade (papers.md C3): cheap first, on while the answer looks worse than a threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.errors import InputError
from penstock.policies.fixed import serve_stranded
from penstock.state import NOBODY, State, Step
from penstock.types import BoolArray, FloatArray


@dataclass(frozen=True)
class ThresholdCascade:
    """Runs ``chain`` (columns) in order and goes on from its j-th member while that answer's estimated
    quality is below ``thresholds[j]`` (one fewer than members); returns the last answer.

    Members that may not be called are skipped; where none may, the best eligible candidate is called.
    """

    chain: tuple[int, ...]
    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        check_chain(self.chain, self.thresholds)

    def step(self, state: State) -> Step:
        def keep(position: int) -> BoolArray:
            good: BoolArray = state.quality[:, self.chain[position]] >= self.thresholds[position]
            return good

        return follow_chain(self.chain, keep, state)

    def final_call(self, state: State, column: int) -> bool:
        """The last eligible member of the chain is accepted whatever it answers."""
        return ends_chain(self.chain, state, column)

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "cascade", "chain": list(self.chain), "thresholds": list(self.thresholds)}


def check_chain(chain: tuple[int, ...], thresholds: tuple[float, ...]) -> None:
    """InputError for a chain or thresholds that mean nothing."""
    if not chain or len(thresholds) != len(chain) - 1:
        raise InputError("a cascade needs one threshold fewer than it has candidates", field="thresholds")
    if len(set(chain)) != len(chain):
        raise InputError("a cascade runs each candidate once", field="chain")
    if np.isnan(thresholds).any():
        raise InputError("a threshold must be a number, not NaN", field="thresholds")


def follow_chain(chain: tuple[int, ...], keep: Callable[[int], BoolArray], state: State) -> Step:
    """One step of a cascade: the last member that ran is accepted where ``keep(position)`` (n,) says so or
    nobody behind it may be called, else the next one that may is called. The best eligible candidate outside
    serves where no member may."""
    n = len(state)
    call, accept, at = np.full(n, NOBODY), np.full(n, NOBODY), np.full(n, -1)
    for position, column in enumerate(chain):
        at[state.executed[:, column]] = position
    stays = np.zeros(n, dtype=bool)
    for position in range(len(chain) - 1):
        stays |= (at == position) & keep(position)
    for position, column in reversed(list(enumerate(chain))):
        call[~stays & (position > at) & state.eligible[:, column]] = column
    ends = (call < 0) & (at >= 0)
    accept[ends] = np.asarray(chain)[at[ends]]
    stranded = (call < 0) & (at < 0)
    if stranded.any():
        serve_stranded(state, stranded, call, accept)
    return Step(call, accept)


def ends_chain(chain: tuple[int, ...], state: State, column: int) -> bool:
    """Whether nobody may be called behind ``column``, for a batch of one."""
    later = chain[chain.index(column) + 1 :] if column in chain else ()
    return not any(state.eligible[0, c] for c in later)


def thresholds_for(lam: float, quality: FloatArray, cost: FloatArray) -> tuple[float, ...]:
    """Thresholds of C3 at price ``lam`` from the chain's mean qualities and costs (m,), in chain order.

    Going on from member j is worth it where some later member i >= j + 1 promises more than the answer at
    hand after paying for everything up to it.
    """
    found = []
    for j in range(1, len(quality)):
        spent = np.cumsum(cost[j:])
        found.append(float((quality[j:] - lam * spent).max()))
    return tuple(found)
