"""One generation that can be cut short: streamed, watched for a refusal, accounted for where it is left."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from math import ceil
from threading import Event
from typing import Any

from penstock.candidates import Candidate, Confidence
from penstock.errors import ProviderUnavailable
from penstock.providers.base import ChatRequest, Completion, Provider, StreamChunk
from penstock.providers.openai_format import Assembly, answer_of, completion_body, usage_body
from penstock.types import Answer, Message, Status, Usage, message_text

_GRACE = 2
"""Chunks waited for after a refusal was recognised: a refusal is trained to be the whole answer, and a stream
that ends by itself says what it counted."""
_BYTES_PER_TOKEN = 4


def asked_at(
    confidence: Confidence, messages: tuple[Message, ...], threshold: float | None
) -> tuple[Message, ...]:
    """The conversation with the confidence instruction after its last user message."""
    sentence = confidence.sentence(threshold)
    for i in range(len(messages) - 1, -1, -1):
        if messages[i].get("role") == "user":
            return (*messages[:i], _with(messages[i], sentence), *messages[i + 1 :])
    return (*messages, {"role": "user", "content": sentence})


def _with(message: Message, sentence: str) -> Message:
    content = message.get("content")
    if isinstance(content, list):
        return {**message, "content": [*content, {"type": "text", "text": sentence}]}
    return {**message, "content": f"{message_text(message)}\n\n{sentence}"}


def is_refusal(text: str, confidence: Confidence) -> bool:
    """Whether a text begins with the refusal, case, spacing and punctuation aside."""
    return _letters(text).startswith(_letters(confidence.refusal))


def may_become_refusal(text: str, confidence: Confidence) -> bool:
    """Whether an unfinished text could still turn out to be one."""
    return _letters(confidence.refusal).startswith(_letters(text))


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


@dataclass(slots=True)
class Generation:
    """What has come of one stream so far; ``decoded`` counts chunks with text, for streams that are left."""

    candidate: Candidate
    request: ChatRequest
    confidence: Confidence | None = None
    started: float = field(default_factory=time.perf_counter)
    assembly: Assembly = field(default_factory=Assembly)
    answer: Answer | None = None
    decoded: int = 0
    _refused_at: int | None = None

    @property
    def text(self) -> str:
        """The text so far, a refusal's included."""
        return "".join(self.assembly.text) + "".join(self.assembly.refusal)

    def take(self, chunk: StreamChunk) -> None:
        """Take one item of the stream in."""
        texts, refusals = len(self.assembly.text), len(self.assembly.refusal)
        if chunk.body is not None:
            self.assembly.add(chunk.body)
        self.answer = chunk.answer or self.answer
        came = (*self.assembly.text[texts:], *self.assembly.refusal[refusals:])
        self.decoded += int(any(came))
        if self.confidence is None or self.refused or self.decoded > self.confidence.within:
            return
        if is_refusal(self.text, self.confidence):
            self._refused_at = self.decoded

    @property
    def refused(self) -> bool:
        """Whether the refusal was recognised in time."""
        return self._refused_at is not None

    @property
    def may_refuse(self) -> bool:
        """Whether it may still be recognised."""
        if self.confidence is None or self.refused or self.decoded >= self.confidence.within:
            return False
        return may_become_refusal(self.text, self.confidence)

    @property
    def over(self) -> bool:
        """A refusal that goes on talking is cut off."""
        return self._refused_at is not None and self.decoded > self._refused_at + _GRACE

    def completion(self, input_tokens: int | None = None) -> Completion:
        """The answer as it stands. Of a stream that was left, ``input_tokens`` or an estimate by length."""
        latency = time.perf_counter() - self.started
        body = self.assembly.body()
        answer = self.answer
        if answer is None:
            body = {**body, "usage": body.get("usage") or usage_body(self._left(input_tokens))}
            answer = answer_of(self.candidate, body, latency_s=latency)
        if "usage" not in body and answer.usage != Usage():
            body = {**body, "usage": usage_body(answer.usage)}
        if self.refused:
            answer = replace(answer, status=Status.REFUSED)
            body = refusal_body(self.candidate, self.text, answer.usage, body)
        return Completion(replace(answer, candidate=self.candidate.name, latency_s=latency), body)

    def _left(self, input_tokens: int | None) -> Usage:
        if input_tokens is None:
            written = sum(len(message_text(m).encode()) for m in self.request.messages)
            input_tokens = ceil(written / _BYTES_PER_TOKEN)
        return Usage(input_tokens, self.decoded)


def refusal_body(
    candidate: Candidate, text: str, usage: Usage, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A ``chat.completion`` whose message is a refusal."""
    made = completion_body(None, model=candidate.model, usage=usage, refusal=text)
    kept = {k: v for k, v in (body or {}).items() if k in ("id", "created", "model")}
    return {**made, **kept}


async def generate(inner: Provider, generation: Generation) -> Completion:
    """One whole generation, cut where it turns out to be a refusal."""
    async with opened(inner, generation.request) as stream:
        async for item in stream:
            generation.take(item)
            if generation.over:
                break
    return finished(generation)


def finished(generation: Generation) -> Completion:
    """The completion of a stream that ended. Raises ``ProviderUnavailable`` where it ended without one."""
    if generation.answer is None and not generation.refused:
        raise ProviderUnavailable(
            "the stream ended before the answer did", candidate=generation.candidate.name
        )
    return generation.completion()


@asynccontextmanager
async def opened(inner: Provider, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamChunk]]:
    """The provider's stream, closed at the end and told that nobody needs more."""
    asked = request if request.stopped is not None else replace(request, stopped=Event())
    stream = inner.stream(asked)
    try:
        yield stream
    finally:
        if asked.stopped is not None:
            asked.stopped.set()
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
