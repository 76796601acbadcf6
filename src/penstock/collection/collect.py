"""Asks every candidate for every query; an answer counts when the journal holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from penstock.candidates import Candidate, Pool
from penstock.collection.fingerprint import outcome_key, sample_seed
from penstock.collection.spending import Spending, usd
from penstock.errors import AuthenticationFailed, InputError, PenstockError, ProviderError
from penstock.outcomes.journal import Entry, Journal
from penstock.providers.base import ChatRequest, Provider
from penstock.types import Answer, Query, Status


@dataclass(frozen=True, slots=True)
class Progress:
    """Outcomes wanted in all; of these done, of these failed, of these found in the journal; USD ever
    spent."""

    total: int
    done: int
    failed: int
    reused: int
    spent_usd: Decimal


@dataclass(frozen=True, slots=True)
class Job:
    """One outcome that is wanted, and the key it has in the journal."""

    key: str
    query: Query
    candidate: Candidate
    sample: int


async def collect(
    queries: Sequence[Query],
    pool: Pool,
    providers: Mapping[str, Provider],
    journal: Journal,
    *,
    samples: int = 1,
    concurrency: int = 32,
    cost_cap: Decimal | float | None = None,
    retry_failed: bool = False,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Asks every candidate of ``pool`` for every query, ``samples`` times, at most ``concurrency`` at once.

    What the open ``journal`` holds is not asked again (failures are, with ``retry_failed``). A provider's
    error is journaled as a failed outcome that cost nothing; a refused key stops everything, for every
    other call would fail too. ``providers`` go by candidate name; every request carries a ``seed`` derived
    from ``seed``.

    ``cost_cap`` bounds the USD spent on the whole journal, earlier runs included: ``CostCapReached`` is
    raised where the next call might pass it, after the calls in flight have been finished and kept.
    """
    cap = usd(cost_cap) if isinstance(cost_cap, float | int) else cost_cap
    _check(queries, pool, providers, samples=samples, concurrency=concurrency, cap=cap)
    jobs = list(wanted(queries, pool, samples))
    reused = [e for job in jobs if (e := journal.entries.get(job.key)) and not (retry_failed and _failed(e))]
    kept = {entry.key for entry in reused}
    start = Progress(len(jobs), len(reused), sum(map(_failed, reused)), len(reused), journal.spent_usd)
    run = _Run(
        jobs=iter([job for job in jobs if job.key not in kept]),
        providers=providers,
        journal=journal,
        spending=Spending(cap, journal.spent_usd),
        seed=seed,
        tell=progress or (lambda _: None),
        progress=start,
    )
    run.tell(start)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, len(jobs) - len(reused))):
            group.create_task(run.work())
    if run.stopped_by is not None:
        raise run.stopped_by
    return run.progress


def wanted(queries: Sequence[Query], pool: Pool, samples: int) -> Iterator[Job]:
    """Every outcome of a whole collection: first samples of all queries first, so that half a run is a
    table too."""
    for sample in range(samples):
        for query in queries:
            for candidate in pool:
                yield Job(outcome_key(query, candidate, sample), query, candidate, sample)


class _Run:
    """What the workers of one collection share."""

    def __init__(
        self,
        *,
        jobs: Iterator[Job],
        providers: Mapping[str, Provider],
        journal: Journal,
        spending: Spending,
        seed: int,
        tell: Callable[[Progress], None],
        progress: Progress,
    ) -> None:
        self.jobs, self.providers, self.journal = jobs, providers, journal
        self.spending, self.seed, self.tell, self.progress = spending, seed, tell, progress
        self.stopped_by: PenstockError | None = None
        self._unwritten: list[Entry] = []
        self._writing = asyncio.Lock()

    async def work(self) -> None:
        """Takes jobs until there are none or something stopped the run."""
        for job in self.jobs:
            if self.stopped_by is not None:
                return
            try:
                async with self.spending.room_for(job.candidate, job.query.messages):
                    answer = await self._ask(job)
                    self.spending.settle(job.candidate, usd(answer.cost_usd))
                await self._record(Entry(job.key, job.query.id, job.sample, answer))
            except (
                PenstockError
            ) as error:  # the cap, a refused key, a full disk: the others finish their calls
                self.stopped_by = self.stopped_by or error
                return

    async def _ask(self, job: Job) -> Answer:
        seed = sample_seed(job.query, job.candidate, job.sample, self.seed)
        request = ChatRequest(job.query.messages, {"seed": seed})
        name = job.candidate.name
        try:
            completion = await self.providers[name].complete(request)
        except AuthenticationFailed:
            raise
        except ProviderError as error:
            return Answer(name, status=Status.FAILED, cost_usd=0.0, error=f"{type(error).__name__}: {error}")
        return replace(completion.answer, candidate=name)

    async def _record(self, entry: Entry) -> None:
        """Returns when the entry is on the disk. Those that wait meanwhile are written together."""
        self._unwritten.append(entry)
        async with self._writing:
            batch, self._unwritten = self._unwritten, []
            if batch:
                await _finished(asyncio.create_task(asyncio.to_thread(self.journal.append, batch)))
                failed = self.progress.failed + sum(map(_failed, batch))
                done = self.progress.done + len(batch)
                self.progress = replace(
                    self.progress, done=done, failed=failed, spent_usd=self.journal.spent_usd
                )
                self.tell(self.progress)


async def _finished(writing: asyncio.Task[None]) -> None:
    """Waits for a write even while being cancelled: the file must not be closed under it."""
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])
        raise


def _failed(entry: Entry) -> bool:
    return entry.answer.status is Status.FAILED


def _check(
    queries: Sequence[Query],
    pool: Pool,
    providers: Mapping[str, Provider],
    *,
    samples: int,
    concurrency: int,
    cap: Decimal | None,
) -> None:
    for flag, value in (("--samples", samples), ("--concurrency", concurrency)):
        if value < 1:
            raise InputError(f"must be at least 1, not {value}", field=flag)
    if cap is not None and not (cap.is_finite() and cap >= 0):
        raise InputError(f"must be an amount of USD, not {cap}", field="--cost-cap")
    for query in queries:
        if not query.messages:
            raise InputError(f"query {query.id!r} has no prompt, so nobody can be asked", field="prompt")
    if len({query.id for query in queries}) < len(queries):
        raise InputError("two queries have the same id", field="query_id")
    for candidate in pool:
        if candidate.name not in providers:
            raise InputError(f"candidate {candidate.name!r} has no provider", field="providers")
        if cap is not None and candidate.price is None:
            message = f"candidate {candidate.name!r} has no price, so no cost cap can be kept"
            raise InputError(message, field="--cost-cap", hint="give it a price in the pool, or drop the cap")
