"""A candidate whose answers another model rates, in front of any provider."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace

from penstock.candidates import Candidate
from penstock.errors import PoolError
from penstock.providers.base import ChatRequest, Completion, Provider, StreamChunk
from penstock.providers.judge_client import Judge
from penstock.providers.request_shaping import as_stream
from penstock.types import Query, Status


class JudgedProvider:
    """Asks ``inner``, then has ``judge`` rate the answer from 1 to 10.

    The rating, in [0, 1], is ``answer.confidence``; None where the judge refused, failed or gave none. Cost
    and latency are of both calls, usage and body are the answer's own. Refusals are not rated.
    """

    def __init__(self, candidate: Candidate, inner: Provider, judge: Provider) -> None:
        if candidate.judge is None:
            raise PoolError("a candidate that is judged needs a judge", field="judge")
        self.candidate, self.inner, self.judge = candidate, inner, judge

    async def complete(self, request: ChatRequest) -> Completion:
        """One rated answer. Raises ``ProviderError`` and below, as ``inner`` does; of the judge's errors only
        ``AuthenticationFailed``, for it would fail every time."""
        started = time.perf_counter()
        completion = await self.inner.complete(request)
        answer = completion.answer
        if answer.status is not Status.ANSWERED:
            return completion
        rating = await Judge(self.judge).rate(Query("", request.messages).prompt, answer.text)
        known = answer.cost_usd is not None and rating.cost_usd is not None
        rated = replace(
            answer,
            confidence=rating.quality,
            cost_usd=(answer.cost_usd or 0.0) + (rating.cost_usd or 0.0) if known else None,
            latency_s=time.perf_counter() - started,
        )
        return Completion(rated, completion.body)

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        """The rated answer in chunks, once it is rated."""
        completion = await self.complete(request)
        for chunk in as_stream(completion, request):
            yield chunk

    async def aclose(self) -> None:
        """Close ``inner`` and the judge."""
        await self.inner.aclose()
        await self.judge.aclose()
