"""Beliefs that depend on the whole executed set: an answer may move everybody's estimate.

Estimates are asked for once per distinct executed set, for all the queries that are in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from penstock.belief import Answered, Observation, observed, said_of
from penstock.core.executed_sets import SetEstimates
from penstock.core.sets import bits
from penstock.errors import InputError
from penstock.state import State
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class SetBelief:
    """``estimates`` of n queries by executed set, expected ``cost`` (n, k) and each query's ``draw`` (n,).

    ``shift_sd``, ``shift_sqrt``: whether states carry them (a policy that never looks at covariances is
    spared n k^2 numbers). ``refused`` and ``confidence`` (n, k) are what recorded answers say of themselves.
    """

    estimates: SetEstimates
    cost: FloatArray
    draw: FloatArray
    shift_sd: bool = True
    shift_sqrt: bool = True
    refused: BoolArray | None = None
    confidence: FloatArray | None = None
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

    def begin(self, eligible: BoolArray | None = None) -> State:
        """What is expected where nobody has run."""
        n, _ = self.estimates.shape
        shift_sd, shift_sqrt = self._shifts(0)
        return State.new(
            self.estimates.estimate(0, np.arange(n)).copy(),
            self.cost,
            self.draw,
            eligible=eligible,
            shift_sd=None if shift_sd is None else np.tile(shift_sd, (n, 1)),
            shift_sqrt=None if shift_sqrt is None else np.tile(shift_sqrt, (n, 1, 1)),
        )

    def observe(self, state: State, seen: Observation) -> State:
        """Everybody's estimate on those rows becomes that of the new executed set, in place."""
        state = observed(state, seen)
        if isinstance(seen, Answered):
            at = seen.rows, seen.columns
            state.refused[at], state.confidence[at] = said_of(seen, self.refused, self.confidence)
            for executed, part in by_set(state.executed[seen.rows]):
                self._believe(state, executed, seen.rows[part])
        return state

    def _believe(self, state: State, executed: int, rows: IntArray) -> None:
        state.quality[rows] = self.estimates.estimate(executed, rows)
        shift_sd, shift_sqrt = self._shifts(executed)
        if state.shift_sd is not None:
            state.shift_sd[rows] = shift_sd
        if state.shift_sqrt is not None:
            state.shift_sqrt[rows] = shift_sqrt

    def _shifts(self, executed: int) -> tuple[FloatArray | None, FloatArray | None]:
        """Of a set, the same for every query in it: asked for once."""
        if executed not in self._known:
            shift_sd = self.estimates.shift_sd(executed) if self.shift_sd else None
            self._known[executed] = (
                shift_sd,
                self.estimates.shift_sqrt(executed) if self.shift_sqrt else None,
            )
        return self._known[executed]


def by_set(executed: BoolArray) -> list[tuple[int, IntArray]]:
    """The distinct executed sets of (m, k) flags as bit masks, each with the rows that are in it."""
    masks, member = np.unique(bits(executed), return_inverse=True)
    return [(mask, np.flatnonzero(member == i)) for i, mask in enumerate(masks.tolist())]
