"""What happened on one request so far, written while it happens: a request that is cut off is logged too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from penstock.errors import ProviderError
from penstock.outcomes.cost_unit import CostUnit
from penstock.state import State
from penstock.storage.base import CandidateRun, Ranked
from penstock.storage.documents import money
from penstock.types import Answer, Status


@dataclass(slots=True)
class CallTrace:
    """``overhead_ms`` is the time since the start that was not spent waiting for candidates; it stands still
    from ``settle`` on."""

    runs: list[CandidateRun] = field(default_factory=list)
    ranking: tuple[Ranked, ...] = ()
    draw: float | None = None
    waited_s: float = 0.0
    started: float = field(default_factory=time.perf_counter)
    _overhead_ms: float | None = None

    def rank(self, candidates: tuple[str, ...], state: State, unit: CostUnit) -> None:
        """Keep what is expected before anything is called (the first row of ``state``, its costs in
        ``unit``)."""
        self.draw = float(state.draw[0])
        columns = zip(
            state.quality[0].tolist(), state.cost[0].tolist(), state.eligible[0].tolist(), strict=True
        )
        self.ranking = tuple(
            Ranked(name, quality, cost, eligible, str(unit))
            for name, (quality, cost, eligible) in zip(candidates, columns, strict=True)
        )

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time spent in here is a candidate's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.waited_s += time.perf_counter() - started

    def ran(self, answer: Answer) -> None:
        """A candidate answered or refused."""
        self.runs.append(
            CandidateRun(
                candidate=answer.candidate,
                status=answer.status,
                cost_usd=money(answer.cost_usd),
                latency_s=answer.latency_s,
                input_tokens=answer.usage.input_tokens,
                output_tokens=answer.usage.output_tokens,
            )
        )

    def judged(self, quality: float) -> None:
        """The estimate of the last answer's quality, now that it is there."""
        self.runs[-1] = replace(self.runs[-1], quality=quality)

    def failed(self, candidate: str, error: ProviderError) -> None:
        """A candidate could not be asked."""
        self.runs.append(CandidateRun(candidate, Status.FAILED, error=str(error)))

    def left(self, candidate: str) -> None:
        """The caller went away while a candidate was working."""
        self.runs.append(CandidateRun(candidate, Status.FAILED, error="the caller left"))

    def settle(self) -> None:
        """The decision is taken; what follows is delivery."""
        self._overhead_ms = self.overhead_ms

    @property
    def overhead_ms(self) -> float:
        if self._overhead_ms is not None:
            return self._overhead_ms
        return max(time.perf_counter() - self.started - self.waited_s, 0.0) * 1e3
