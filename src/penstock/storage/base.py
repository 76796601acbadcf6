"""The decision log: what was asked, what was expected of whom, who ran, who answered and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from penstock.types import Status


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was expected of one candidate before anything was called; None where nothing was estimated.

    ``cost`` is in ``unit``, a ``CostUnit`` as text: what the router was fitted for.
    """

    candidate: str
    quality: float | None
    cost: float | None
    eligible: bool
    unit: str = "usd"


@dataclass(frozen=True, slots=True)
class CandidateRun:
    """One call. ``quality`` is the estimate after it came back; ``cost_usd`` None where unknown."""

    candidate: str
    status: Status
    cost_usd: Decimal | None = None
    quality: float | None = None
    latency_s: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One request and everything decided about it.

    ``asked`` is the model the caller named; ``target`` and ``policy`` are None where that was a candidate.
    ``draw`` is the query's uniform number, which says what branch of a mixture it took. ``ranking`` is in the
    router's order, which the columns in ``policy`` mean. ``query_text`` is None unless the log is told to
    keep texts. ``accepted`` is None where nobody answered. ``cost_usd`` is the sum over ``runs``, None where
    one of them is unknown; money is exact. ``overhead_ms`` is the time not spent waiting for candidates.
    """

    id: str
    time: datetime
    asked: str
    query_hash: str
    status: Status
    target: str | None = None
    policy: Mapping[str, Any] | None = None
    draw: float | None = None
    query_text: str | None = None
    ranking: tuple[Ranked, ...] = ()
    runs: tuple[CandidateRun, ...] = ()
    accepted: str | None = None
    cost_usd: Decimal | None = None
    overhead_ms: float = 0.0


@runtime_checkable
class DecisionLog(Protocol):
    """Where decisions are kept. Safe to use from one event loop by many requests at once."""

    async def append(self, decision: Decision) -> None:
        """Keep one; it is there for ``get`` when this returns. A second one of the same id is an error."""
        ...

    async def get(self, decision_id: str) -> Decision | None:
        """The decision of that id, or None."""
        ...

    async def recent(self, limit: int = 100) -> tuple[Decision, ...]:
        """The latest, newest first."""
        ...

    async def aclose(self) -> None:
        """Finish what is being written and release the store; may be called twice."""
        ...


class StoreType(Protocol):
    """What is registered in the room ``store``: a class that opens its log at an address."""

    def open(self, where: str, *, must_exist: bool = False) -> DecisionLog:
        """Raises ``InputError`` where it cannot be opened, or is missing though it must exist."""
        ...


def total_cost(runs: tuple[CandidateRun, ...]) -> Decimal | None:
    """The sum over runs; None where one that answered has no known cost. Failed calls count what is known."""
    total = Decimal(0)
    for run in runs:
        if run.cost_usd is not None:
            total += run.cost_usd
        elif run.status is not Status.FAILED:
            return None
    return total
