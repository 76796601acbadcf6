"""The value of information: call whoever is worth most once what the answer may show has been thought
through.

Unlike the index policy it does not take candidates for independent: that a second answer may confirm or
contradict the first is where its worth lies, and the first call is valued with that in view. On the command
line it is called ``lookahead``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from penstock.belief import GoesBy
from penstock.codec import key
from penstock.core.lambda_grid import lambda_grid
from penstock.errors import InputError
from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.sequential import call_else_accept, check_settings
from penstock.registry import register
from penstock.state import NO_CANDIDATE, State, Step
from penstock.types import BoolArray, IntArray

POINTS = 40
"""Prices that are tried."""
DEEP_ROWS = 1_500
"""Up to so many rows a second look after every answer is tried too: it takes five times as long to replay."""


@register("policy", "lookahead")
@dataclass(frozen=True)
class ValueOfInformation(Policy):
    """Pays for one more answer where what it may show, who agrees with whom included, is worth its price.

    At price ``lam`` per USD, with ``first`` looks beyond the next answer before anything has run and ``then``
    afterwards (0, 1 or 2), and at most ``max_calls`` candidates per query (None: no cap). Needs a state with
    an ``lookahead_model``. Where there is none, answers are expected to show nothing: the best single
    candidate is called and accepted, as routing would.
    """

    goes_by = GoesBy.AGREEMENT
    lam: float = field(metadata=key("lambda"))
    first: int = 2
    then: int = 1
    max_calls: int | None = None

    def __post_init__(self) -> None:
        check_settings((self.lam,), 1.0, self.max_calls)
        if not {self.first, self.then} <= {0, 1, 2}:
            raise InputError(f"looks ahead 0, 1 or 2 answers, not {self.first} and {self.then}")

    def step(self, state: State) -> Step:
        open_ = state.eligible & ~state.executed
        if self.max_calls is not None:
            open_ &= (state.executed.sum(axis=1) < self.max_calls)[:, None]
        price = self.lam * state.cost
        if state.lookahead_model is None:
            call = _best_single(state, open_, self.lam)
        else:
            call = state.lookahead_model.next_call(
                state.executed, open_, price, first=self.first, then=self.then
            )
        if (call >= 0).all():
            return Step(call=call, accept=np.full_like(call, NO_CANDIDATE))
        return call_else_accept(call, state)

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        return f"look ahead at {self.lam:.4g} quality per {unit}"

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """A range of prices, with one look after every answer and, on few rows, two."""
        lambdas = lambda_grid(seen.ex_ante, seen.cost, POINTS, least=1e-3)
        depths = (1, 2) if len(seen.ex_ante) <= DEEP_ROWS else (1,)
        return [cls(lam, then=then) for then in depths for lam in lambdas]


def _best_single(state: State, open_: BoolArray, lam: float) -> IntArray:
    """(n,) the best open candidate where nothing has run, else -1."""
    value = np.where(open_, state.quality - lam * state.cost, -np.inf)
    may = open_.any(axis=1) & ~state.executed.any(axis=1)
    return np.where(may, value.argmax(axis=1), NO_CANDIDATE)
