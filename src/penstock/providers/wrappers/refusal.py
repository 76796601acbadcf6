"""A small model that is told to refuse what it is not sure of, in front of any provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

from penstock.candidates import Candidate
from penstock.errors import PoolError
from penstock.providers.base import ChatRequest, Completion, Provider, StreamChunk
from penstock.providers.request_shaping import as_stream
from penstock.providers.stream_reader import (
    Generation,
    asked_at,
    finished,
    generate,
    is_refusal,
    opened,
    refusal_body,
)
from penstock.types import Status

_WHOLE = ("tools", "functions", "response_format", "n")
"""Requests with these fields are not streamed inside: a stream put together again would not be the same."""


class RefusingProvider:
    """Asks ``inner`` at the candidate's confidence; its refusals have ``Status.REFUSED``.

    A refusal is recognised while the answer is streamed, within its first tokens; the generation ends there.
    A whole answer is put together from its stream (text, refusal, log-probabilities, usage), but for requests
    with tools or a schema, which are asked for whole.
    """

    def __init__(self, candidate: Candidate, inner: Provider) -> None:
        if candidate.confidence is None:
            raise PoolError("a candidate that refuses needs a confidence", field="confidence")
        self.candidate, self.inner, self.confidence = candidate, inner, candidate.confidence

    async def complete(self, request: ChatRequest) -> Completion:
        """One whole answer, or a refusal. Raises ``ProviderError`` and below, as ``inner`` does."""
        asked = self._asked(request)
        if not _streams(request.params):
            return self._judged(await self.inner.complete(asked))
        return await generate(self.inner, Generation(self.candidate, asked, self.confidence))

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        """The answer as it comes; what may still become a refusal is held back until that is decided."""
        asked = self._asked(request)
        generation, held = Generation(self.candidate, asked, self.confidence), list[StreamChunk]()
        async with opened(self.inner, asked) as stream:
            async for item in stream:
                generation.take(item)
                if generation.over:
                    break
                if item.answer is not None:
                    continue
                held.append(item)
                if not generation.refused and not generation.may_refuse:
                    for ready in held:
                        yield ready
                    held = []
        completion = finished(generation)
        if generation.refused:
            held = list(as_stream(completion, request))
        else:
            held.append(StreamChunk(None, completion.answer))
        for ready in held:
            yield ready

    async def aclose(self) -> None:
        """Close ``inner``."""
        await self.inner.aclose()

    def _asked(self, request: ChatRequest) -> ChatRequest:
        return replace(request, messages=asked_at(self.confidence, request.messages, None))

    def _judged(self, completion: Completion) -> Completion:
        answer = completion.answer
        if answer.status is not Status.ANSWERED or not is_refusal(answer.text, self.confidence):
            return completion
        body = refusal_body(self.candidate, answer.text, answer.usage, completion.body)
        return Completion(replace(answer, status=Status.REFUSED), body)


def _streams(params: Mapping[str, object]) -> bool:
    return not any(params.get(name) for name in _WHOLE)
