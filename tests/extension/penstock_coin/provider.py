"""A provider: a coin that always shows the same side."""

from __future__ import annotations

from collections.abc import AsyncIterator

from penstock.candidates import Candidate
from penstock.errors import PoolError
from penstock.providers.base import ChatRequest, Completion, StreamChunk
from penstock.providers.openai_format import answer_of, completion_body
from penstock.providers.request_shaping import as_stream
from penstock.registry import register
from penstock.types import Usage


@register("provider", "coin")
class CoinProvider:
    """Answers the ``side`` of its candidate's options."""

    def __init__(self, candidate: Candidate, side: str) -> None:
        self.candidate, self.side = candidate, side

    @classmethod
    def from_candidate(cls, candidate: Candidate) -> CoinProvider:
        side = candidate.options.get("side", "heads")
        if side not in ("heads", "tails"):
            raise PoolError(f"must be heads or tails, not {side!r}", field="options.side")
        return cls(candidate, side)

    async def complete(self, request: ChatRequest) -> Completion:
        usage = Usage(len(request.messages), 1)
        body = completion_body(self.side, model=self.candidate.model, usage=usage, logprobs=(-0.1,))
        return Completion(answer_of(self.candidate, body, latency_s=0.0), body)

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        for chunk in as_stream(await self.complete(request), request):
            yield chunk

    async def aclose(self) -> None:
        """Nothing to release."""
