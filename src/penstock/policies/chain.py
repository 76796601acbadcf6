"""What cascades over a fixed order share: one member after the other, until an answer is kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.errors import InputError
from penstock.policies.base import Policy, serve_stranded
from penstock.state import NO_CANDIDATE, State, Step
from penstock.types import BoolArray, FloatArray

POINTS = 24
"""Thresholds or prices that are tried per chain."""


@dataclass(frozen=True)
class ChainPolicy(Policy):
    """Runs ``chain`` (columns) in order and goes on from a member unless ``keeps`` says otherwise; returns
    the last answer.

    Members that may not be called are skipped; where none may, the best eligible candidate is called.
    """

    chain: tuple[int, ...]

    @abstractmethod
    def keeps(self, position: int, state: State) -> BoolArray:
        """(n,) whether the answer of the member at ``position``, which has run, is kept."""

    @abstractmethod
    def in_words(self, position: int) -> str:
        """When the answer of the member at ``position`` is kept."""

    def step(self, state: State) -> Step:
        n = len(state)
        call, accept, at = np.full(n, NO_CANDIDATE), np.full(n, NO_CANDIDATE), np.full(n, -1)
        for position, column in enumerate(self.chain):
            at[state.executed[:, column]] = position
        stays = np.zeros(n, dtype=bool)
        for position in range(len(self.chain) - 1):
            stays |= (at == position) & self.keeps(position, state)
        for position, column in reversed(list(enumerate(self.chain))):
            call[~stays & (position > at) & state.eligible[:, column]] = column
        ends = (call < 0) & (at >= 0)
        accept[ends] = np.asarray(self.chain)[at[ends]]
        stranded = (call < 0) & (at < 0)
        if stranded.any():
            serve_stranded(state, stranded, call, accept)
        return Step(call, accept)

    def final_call(self, state: State, column: int) -> bool:
        """The last eligible member of the chain is accepted whatever it answers."""
        later = self.chain[self.chain.index(column) + 1 :] if column in self.chain else ()
        return not any(state.eligible[0, c] for c in later)

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        names = [candidates[c] for c in self.chain]
        steps = [f"{name} ({self.in_words(i)})" for i, name in enumerate(names[:-1])]
        return "cascade " + " -> ".join([*steps, names[-1]])


def check_chain(chain: tuple[int, ...], thresholds: tuple[float, ...] | None = None) -> None:
    """InputError for a chain, or its thresholds, that mean nothing."""
    if not chain or (thresholds is not None and len(thresholds) != len(chain) - 1):
        raise InputError("a cascade needs one threshold fewer than it has candidates", field="thresholds")
    if len(set(chain)) != len(chain):
        raise InputError("a cascade runs each candidate once", field="chain")
    if thresholds is not None and np.isnan(thresholds).any():
        raise InputError("a threshold must be a number, not NaN", field="thresholds")


def better_later(first: Sequence[int], quality: FloatArray) -> list[tuple[int, int]]:
    """(one of the columns ``first``, a candidate of higher mean ``quality`` (k,))."""
    return [(j, i) for j in first for i in range(len(quality)) if quality[i] > quality[j]]
