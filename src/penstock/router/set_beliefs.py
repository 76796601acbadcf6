"""Beliefs that depend on the whole executed set: an answer may move everybody's estimate.

A ``replay.BeliefSource`` over estimates that are asked for once per distinct executed set, for all the
queries that are in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from benchmarks.research.joint import JointEstimates
from penstock.errors import InputError
from penstock.estimators.agreement.model import ConsensusOutlook
from penstock.estimators.post_hoc.executed_sets import SetEstimates
from penstock.estimators.post_hoc.per_set import PerSetEstimates
from penstock.policies.sequential import bits
from penstock.state import State
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class SetSource:
    """``estimates`` of n queries by executed set, expected ``cost`` (n, k) and each query's ``draw`` (n,).

    ``spread``, ``factor``: whether states carry them (a policy that never looks at covariances is spared
    n k^2 numbers).
    """

    estimates: SetEstimates
    cost: FloatArray
    draw: FloatArray
    spread: bool = True
    factor: bool = True
    _known: dict[int, tuple[FloatArray | None, FloatArray | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        n, k = self.estimates.shape
        if self.cost.shape != (n, k) or self.draw.shape != (n,):
            raise InputError(
                f"costs of shape {self.cost.shape} and {len(self.draw)} draws do not belong to estimates of "
                f"{n} queries and {k} candidates"
            )
        if not np.isfinite(self.cost).all() or (self.cost < 0).any():
            raise InputError("an expected cost is negative or not a number", field="cost")

    def begin(self) -> State:
        """Nothing called, everything eligible."""
        n, k = self.estimates.shape
        state = State(
            quality=np.empty((n, k)),
            cost=self.cost,
            executed=np.zeros((n, k), dtype=bool),
            eligible=np.ones((n, k), dtype=bool),
            draw=self.draw,
            spread=np.zeros((n, k)) if self.spread else None,
            factor=np.zeros((n, k, k)) if self.factor else None,
        )
        self._believe(state, 0, np.arange(n))
        return state

    def observe(self, state: State, rows: IntArray, columns: IntArray) -> State:
        """Everybody's estimate on those rows becomes that of the new executed set, in place."""
        state.executed[rows, columns] = True
        for executed, part in by_set(state.executed[rows]):
            self._believe(state, executed, rows[part])
        return state

    def _believe(self, state: State, executed: int, rows: IntArray) -> None:
        state.quality[rows] = self.estimates.estimate(executed, rows)
        spread, factor = self._moves(executed)
        if state.spread is not None:
            state.spread[rows] = spread
        if state.factor is not None:
            state.factor[rows] = factor

    def _moves(self, executed: int) -> tuple[FloatArray | None, FloatArray | None]:
        """Spread and factor of a set, which are the same for every query in it: asked for once."""
        if executed not in self._known:
            spread = self.estimates.spread(executed) if self.spread else None
            self._known[executed] = (spread, self.estimates.factor(executed) if self.factor else None)
        return self._known[executed]


@dataclass(frozen=True)
class SetBeliefs(SetSource):
    """The paper's beliefs: one regression per (predicted candidate, executed set)."""

    estimates: PerSetEstimates


@dataclass(frozen=True)
class JointBeliefs(SetSource):
    """Beliefs by conditioning one joint Gaussian."""

    estimates: JointEstimates


@dataclass(frozen=True)
class ConsensusBeliefs:
    """Beliefs by the law of answers of n queries: its ``outlook``, expected ``cost`` (n, k) and each query's
    ``draw`` (n,). Cells of the outlook are looked at only once their candidate has been called."""

    outlook: ConsensusOutlook
    cost: FloatArray
    draw: FloatArray

    def begin(self) -> State:
        """Nothing called, everything eligible."""
        nothing = np.zeros(self.cost.shape, dtype=bool)
        return State(
            quality=self._before.copy(),
            cost=self.cost,
            executed=nothing,
            eligible=~nothing,
            draw=self.draw,
            outlook=self.outlook,
        )

    def observe(self, state: State, rows: IntArray, columns: IntArray) -> State:
        """Everybody's estimate on those rows becomes the posterior of the new executed set, in place."""
        state.executed[rows, columns] = True
        state.quality[rows] = self.outlook.rows(rows).believe(state.executed[rows])
        return state

    @cached_property
    def _before(self) -> FloatArray:
        return self.outlook.believe(np.zeros(self.cost.shape, dtype=bool))


def by_set(executed: BoolArray) -> list[tuple[int, IntArray]]:
    """The distinct executed sets of (m, k) flags as bit masks, each with the rows that are in it."""
    masks, member = np.unique(bits(executed), return_inverse=True)
    return [(mask, np.flatnonzero(member == i)) for i, mask in enumerate(masks.tolist())]
