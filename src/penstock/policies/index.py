"""The index policy: Weitzman's (1979) optimal rule for sequential costly looks (docs/decisions/0008)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from penstock.codec import key
from penstock.core.index import index_step
from penstock.core.reservation import reservation_values
from penstock.errors import InputError
from penstock.policies.base import Policy, TuningEvidence
from penstock.policies.sequential import KAPPAS, call_else_accept, check_settings, lambdas_for, shift_sd_of
from penstock.registry import register
from penstock.state import NO_CANDIDATE, State, Step
from penstock.types import FloatArray


@register("policy", "index")
@dataclass(frozen=True)
class Index(Policy):
    """Runs the candidate of largest reservation value; stops when the best answer is at least every other's.

    Optimal among adaptive policies where candidates move independently, in O(k log k) instead of 2^k; a
    heuristic where they do not. ``lam`` is the price of a USD, ``kappa`` scales how far estimates are
    believed to move, ``max_calls`` caps the candidates run on one query (None: no cap), ``max_quality`` is
    the highest quality there is (None: none). ``prefer_expensive`` breaks ties towards running on (s_MAX).
    """

    lam: float = field(metadata=key("lambda"))
    kappa: float = 1.0
    max_calls: int | None = None
    max_quality: float | None = 1.0
    prefer_expensive: bool = False

    def __post_init__(self) -> None:
        check_settings((self.lam,), self.kappa, self.max_calls)
        if self.max_quality is not None and not np.isfinite(self.max_quality):
            raise InputError("must be finite, or absent", field="max_quality")

    def step(self, state: State) -> Step:
        call = index_step(
            state.quality,
            shift_sd_of(state, self.kappa),
            state.cost,
            state.executed,
            self.lam,
            cap=self.max_quality,
            max_calls=self.max_calls,
            eligible=state.eligible,
            prefer_expensive=self.prefer_expensive,
        )
        if (call >= 0).all():  # the usual first step: no best answer is to be found
            return Step(call=call, accept=np.full_like(call, NO_CANDIDATE))
        return call_else_accept(call, state)

    def scores(self, state: State) -> FloatArray:
        """(n, k) reservation values: what un-run candidates are ranked by; infinite for a free look."""
        due = self.lam * state.cost
        return reservation_values(state.quality, shift_sd_of(state, self.kappa), due, cap=self.max_quality)

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        return f"index policy at {self.lam:.4g} quality per {unit}"

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """A range of prices, each with three beliefs in how much an answer will tell."""
        if not seen.looks_are_worth_something:
            return []
        return [cls(lam, kappa) for kappa in KAPPAS for lam in lambdas_for(seen)]
