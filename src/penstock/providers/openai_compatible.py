"""Any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Any

import aiohttp

from penstock.candidates import Candidate
from penstock.errors import ProviderError, ProviderUnavailable
from penstock.providers import _errors
from penstock.providers.base import ChatRequest, Completion, StreamChunk
from penstock.providers.endpoint import Endpoint
from penstock.providers.openai_format import Assembly, answer_of
from penstock.providers.request_shaping import conversation, wants_usage
from penstock.providers.sse import events
from penstock.registry import register

MAX_WAIT_S = 60.0
"""A provider that asks for a longer pause is not waited for; the error says how long it asked."""
_FIRST_WAIT_S = 0.5


@register("provider", "openai_compatible")
class OpenAICompatibleProvider:
    """Sends requests on with the candidate's settings laid over them and returns bodies as they came.

    The address comes from configuration only; redirects are not followed. Attempts that failed before the
    first byte of an answer are repeated ``max_retries`` times, with jittered backoff or after
    ``Retry-After``.
    """

    def __init__(self, candidate: Candidate, endpoint: Endpoint) -> None:
        self.candidate, self.endpoint = candidate, endpoint
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_candidate(cls, candidate: Candidate) -> OpenAICompatibleProvider:
        """Its options are those of ``Endpoint``."""
        return cls(candidate, Endpoint.of(candidate))

    async def complete(self, request: ChatRequest) -> Completion:
        """One whole answer. Raises ``ProviderError`` and below."""
        started = time.perf_counter()
        sent = self._body(request, stream=False)
        async with AsyncExitStack() as stack:
            response = await self._send(sent, self._timeout(stream=False), stack)
            try:
                body = await response.json(content_type=None)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise self._unavailable("the response is not JSON") from error
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _errors.from_exception(error, self.candidate.name) from error
        self._check(body)
        return Completion(answer_of(self.candidate, body, latency_s=time.perf_counter() - started), body)

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        """Chunks as they come. Usage is always asked for, and passed on only to callers who asked for it."""
        started = time.perf_counter()
        sent = self._body(request, stream=True)
        assembly, usage_wanted = Assembly(), wants_usage(request)
        async with AsyncExitStack() as stack:
            response = await self._send(sent, self._timeout(stream=True), stack)
            async with aclosing(self._chunks(response)) as chunks:
                async for chunk in chunks:
                    assembly.add(chunk)
                    shown = chunk if usage_wanted else _without_usage(chunk)
                    if shown is not None:
                        yield StreamChunk(shown)
        if assembly.finish_reason is None:
            raise self._unavailable("the stream ended before the answer did")
        latency = time.perf_counter() - started
        yield StreamChunk(None, answer_of(self.candidate, assembly.body(), latency_s=latency))

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(
        self, body: Mapping[str, Any], timeout: aiohttp.ClientTimeout, stack: AsyncExitStack
    ) -> aiohttp.ClientResponse:
        """The first good response; ``stack`` closes it."""
        for attempt in range(self.endpoint.max_retries + 1):
            retried = True
            try:
                response = await self._connection().post(
                    self.endpoint.url,
                    data=json.dumps(body).encode(),
                    headers={"Content-Type": "application/json", **self.endpoint.headers},
                    timeout=timeout,
                    allow_redirects=False,
                )
                if response.status < 300:
                    await stack.enter_async_context(response)
                    return response
                async with response:
                    text = await response.text(errors="replace")
                error = _errors.from_response(response.status, text, response.headers, self.candidate.name)
                retried = response.status in _errors.RETRIED_STATUSES and "insufficient_quota" not in text
            except (aiohttp.ClientError, OSError) as foreign:
                error = _errors.from_exception(foreign, self.candidate.name)
                error.__cause__ = foreign
                retried = not isinstance(foreign, TimeoutError) or _only_connecting(foreign)
            wait = _wait_s(attempt, error)
            if not retried or attempt == self.endpoint.max_retries or wait > MAX_WAIT_S:
                raise error
            await asyncio.sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[dict[str, Any], None]:
        try:
            async for data in events(response.content.iter_any()):
                if data.strip() == "[DONE]":
                    return
                chunk = json.loads(data)
                if not isinstance(chunk, dict):
                    raise self._unavailable("a chunk of the stream is not an object")
                error = _errors.from_error_body(chunk, self.candidate.name)
                if error is not None:
                    raise error
                yield chunk
        except json.JSONDecodeError as malformed:
            raise self._unavailable("a chunk of the stream is not JSON") from malformed
        except (aiohttp.ClientError, TimeoutError) as foreign:
            raise _errors.from_exception(foreign, self.candidate.name) from foreign

    def _body(self, request: ChatRequest, *, stream: bool) -> dict[str, Any]:
        called = conversation(self.candidate, request)
        body = {**called.params, "model": self.candidate.model, "messages": list(called.messages)}
        if stream:
            options = called.params.get("stream_options") or {}
            return {**body, "stream": True, "stream_options": {**options, "include_usage": True}}
        body.pop("stream_options", None)  # refused by OpenAI without a stream
        return body

    def _check(self, body: object) -> None:
        if not isinstance(body, dict):
            raise self._unavailable("the response is not an object")
        error = _errors.from_error_body(body, self.candidate.name)
        if error is not None:
            raise error
        if not isinstance(body.get("choices"), list) or not body["choices"]:
            raise self._unavailable("the response has no choices")

    def _timeout(self, *, stream: bool) -> aiohttp.ClientTimeout:
        limit, connect = self.endpoint.timeout_s, self.endpoint.connect_timeout_s
        if stream:
            return aiohttp.ClientTimeout(total=None, sock_read=limit, sock_connect=connect)
        return aiohttp.ClientTimeout(total=limit, sock_connect=connect)

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._session

    def _unavailable(self, message: str) -> ProviderUnavailable:
        return ProviderUnavailable(message, candidate=self.candidate.name)


def _only_connecting(error: BaseException) -> bool:
    """Nothing was asked yet, so asking again costs nothing."""
    return isinstance(error, aiohttp.ConnectionTimeoutError)


def _wait_s(attempt: int, error: ProviderError) -> float:
    if error.retry_after_s is not None:
        return error.retry_after_s
    return _FIRST_WAIT_S * 2.0**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


def _without_usage(chunk: Mapping[str, Any]) -> dict[str, Any] | None:
    """The chunk as it would be had usage not been asked for; None for the chunk that holds nothing else."""
    if "usage" not in chunk:
        return dict(chunk)
    return {key: value for key, value in chunk.items() if key != "usage"} if chunk.get("choices") else None
