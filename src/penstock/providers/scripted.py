"""A provider that says what it is told to: for tests, for plug-ins and for trying a pool without models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.candidates import Candidate
from penstock.errors import PoolError
from penstock.providers.base import ChatRequest, Completion, StreamChunk
from penstock.providers.openai_format import answer_of, chunks_of, completion_body, usage_chunk
from penstock.providers.request_shaping import conversation, wants_usage
from penstock.registry import register
from penstock.types import Usage, message_text


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted answer. ``usage`` None counts words; ``body`` fields are laid over the response body."""

    text: str | None = "ok"
    usage: Usage | None = None
    finish_reason: str = "stop"
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    refusal: str | None = None
    logprobs: tuple[float, ...] | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


Said = str | Reply | Exception
Script = Said | Sequence[Said] | Callable[[ChatRequest], Said | Awaitable[Said]]
"""A reply, an error to raise, several in order (the last one repeats), or a function of the request."""


@register("provider", "scripted")
class ScriptedProvider:
    """Answers from a script, after ``delay_s``; streams with ``chunk_delay_s`` between chunks.

    ``calls`` keeps every request as it would be sent (candidate parameters applied); ``cancelled`` counts
    calls whose caller went away; ``closed`` is set by ``aclose``.
    """

    def __init__(
        self, candidate: Candidate, script: Script = "ok", *, delay_s: float = 0.0, chunk_delay_s: float = 0.0
    ) -> None:
        self.candidate, self.script = candidate, script
        self.delay_s, self.chunk_delay_s = delay_s, chunk_delay_s
        self.calls: list[ChatRequest] = []
        self.cancelled = 0
        self.closed = False

    @classmethod
    def from_candidate(cls, candidate: Candidate) -> ScriptedProvider:
        """Options: ``replies`` (a text or a list of texts) and ``delay_s``."""
        replies = candidate.options.get("replies", "ok")
        texts = [replies] if isinstance(replies, str) else list(replies)
        if not texts or not all(isinstance(text, str) for text in texts):
            raise PoolError("replies must be a text or a list of texts", field="options.replies")
        return cls(candidate, texts, delay_s=float(candidate.options.get("delay_s", 0.0)))

    async def complete(self, request: ChatRequest) -> Completion:
        """The next reply of the script, whole."""
        started = time.perf_counter()
        try:
            body = await self._next(request)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Completion(answer_of(self.candidate, body, latency_s=time.perf_counter() - started), body)

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        """The next reply of the script, in chunks."""
        started = time.perf_counter()
        try:
            body = await self._next(request)
            for chunk in chunks_of(body):
                await asyncio.sleep(self.chunk_delay_s)
                yield StreamChunk(chunk)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        if wants_usage(request):
            yield StreamChunk(usage_chunk(body))
        yield StreamChunk(None, answer_of(self.candidate, body, latency_s=time.perf_counter() - started))

    async def aclose(self) -> None:
        """Nothing to release; noted for tests."""
        self.closed = True

    async def _next(self, request: ChatRequest) -> dict[str, Any]:
        sent = conversation(self.candidate, request)
        self.calls.append(sent)
        number = len(self.calls) - 1
        await asyncio.sleep(self.delay_s)
        said = await self._say(sent, number)
        if isinstance(said, Exception):
            raise said
        reply = Reply(said) if isinstance(said, str) else said
        return self._body(reply, sent)

    async def _say(self, request: ChatRequest, number: int) -> Said:
        script = self.script
        if isinstance(script, str | Reply | Exception):
            return script
        if isinstance(script, Sequence):
            return script[min(number, len(script) - 1)]
        said = script(request)
        return said if isinstance(said, str | Reply | Exception) else await said

    def _body(self, reply: Reply, request: ChatRequest) -> dict[str, Any]:
        words = sum(len(message_text(message).split()) for message in request.messages)
        usage = reply.usage or Usage(words, len((reply.text or "").split()))
        body = completion_body(
            reply.text,
            model=self.candidate.model,
            usage=usage,
            finish_reason=reply.finish_reason,
            tool_calls=reply.tool_calls,
            refusal=reply.refusal,
            logprobs=reply.logprobs,
        )
        return {**body, **reply.body}
