"""The models that come with penstock, behind the same seam as any other: no network, no key."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from penstock.candidates import Candidate
from penstock.errors import InputError, PoolError, ProviderUnavailable
from penstock.providers.base import ChatRequest, Completion, StreamChunk
from penstock.providers.embedded_request import generation_request
from penstock.providers.openai_format import answer_of, completion_body, usage_chunk
from penstock.providers.request_shaping import conversation, wants_usage
from penstock.registry import register
from penstock.runtime.model import LanguageModel
from penstock.runtime.phrases import is_refusal, may_become_refusal
from penstock.runtime.requests import Generated, Token
from penstock.runtime.shipped import model_path
from penstock.runtime.worker import BatchWorker
from penstock.types import Answer, Usage


@register("provider", "embedded")
class EmbeddedProvider:
    """Answers chat requests with an embedded model; what nobody needs any more ends at its next token.

    Requests of one model that arrive within a few milliseconds run as one batch, in one thread per model file
    whatever the number of candidates that use it. A given seed gives the same answer in any batch.

    Args:
        candidate: `model` is the name of a shipped model ("tiny", "small", "large"); `options.path` names a
            model file instead.

    Raises:
        PoolError: no such model.
        MissingExtra: the `lab` extra is not installed.
    """

    ends_when_told = True
    """A generation whose request is ``stopped`` ends with what it has; others have to be left."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        try:
            self._path = model_path(str(candidate.options.get("path", candidate.model))).resolve()
            self._worker: BatchWorker | None = _workers.take(self._path)
        except InputError as error:
            raise PoolError(str(error), field="model") from error

    @classmethod
    def from_candidate(cls, candidate: Candidate) -> EmbeddedProvider:
        """The registry's factory."""
        return cls(candidate)

    async def complete(self, request: ChatRequest) -> Completion:
        """One whole answer.

        Raises:
            RequestRejected: a request the model cannot run (too long, n above 1, a field out of range).
            ProviderUnavailable: the provider is closed.
        """
        started = time.perf_counter()
        sent = conversation(self.candidate, request)
        worker = self._open_worker()
        future = worker.submit(generation_request(worker.model, sent), stopped=sent.stopped)
        generation = await asyncio.wrap_future(future)
        body = self._body(generation, sent.params)
        return Completion(self._answer(body, generation, started), body)

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        """The answer token by token.

        What may still become the refusal is held back until it is decided, so that a refusal arrives as one.

        Raises:
            RequestRejected, ProviderUnavailable: as `complete`, before the first chunk.
        """
        started = time.perf_counter()
        sent = conversation(self.candidate, request)
        worker = self._open_worker()
        left = sent.stopped or threading.Event()
        tokens: asyncio.Queue[Token | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(token: Token | None) -> None:
            # The caller's loop may be gone before its tokens are; the others of the batch must not suffer.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tokens.put_nowait, token)

        future = worker.submit(generation_request(worker.model, sent), tell, left)
        future.add_done_callback(lambda _: tell(None))
        try:
            async for chunk in self._chunks(tokens, future, sent, started):
                yield chunk
        finally:
            left.set()
            future.cancel()

    async def aclose(self) -> None:
        """Give the worker back; the last user of a model ends its thread."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(_workers.give_back, self._path)

    async def _chunks(
        self,
        tokens: asyncio.Queue[Token | None],
        future: Future[Generated],
        sent: ChatRequest,
        started: float,
    ) -> AsyncIterator[StreamChunk]:
        frame = {**completion_body("", model=self.candidate.model), "object": "chat.completion.chunk"}
        yield StreamChunk(_chunk(frame, {"role": "assistant", "content": ""}))
        text, held = "", list[Token]()
        while (token := await tokens.get()) is not None:
            text += token.text
            held.append(token)
            if not may_become_refusal(text):
                for ready in held:
                    yield StreamChunk(_chunk(frame, {"content": ready.text}, _shown([ready], sent.params)))
                held = []
        generation = await asyncio.wrap_future(future)
        if held:
            kind = "refusal" if is_refusal(text) else "content"
            joined = "".join(token.text for token in held)
            yield StreamChunk(_chunk(frame, {kind: joined}, _shown(held, sent.params)))
        yield StreamChunk(_chunk(frame, {}, finish_reason=generation.finish_reason))
        body = self._body(generation, sent.params)
        if wants_usage(sent):
            yield StreamChunk(usage_chunk({**frame, "usage": body["usage"]}))
        yield StreamChunk(None, self._answer(body, generation, started))

    def _open_worker(self) -> BatchWorker:
        if self._worker is None:
            raise ProviderUnavailable("the provider is closed", candidate=self.candidate.name)
        return self._worker

    def _body(self, generation: Generated, params: Mapping[str, Any]) -> dict[str, Any]:
        refused = is_refusal(generation.text)
        body = completion_body(
            None if refused else generation.text,
            model=self.candidate.model,
            usage=Usage(generation.prompt_tokens, len(generation.tokens)),
            finish_reason=generation.finish_reason,
            refusal=generation.text if refused else None,
        )
        body["choices"][0]["logprobs"] = _shown(generation.tokens, params)
        return body

    def _answer(self, body: Mapping[str, Any], generation: Generated, started: float) -> Answer:
        answer = answer_of(self.candidate, body, latency_s=time.perf_counter() - started)
        return replace(answer, logprobs=generation.logprobs)


class _Workers:
    """The running worker of each model file, and how many providers use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Path, tuple[BatchWorker, int]] = {}

    def take(self, path: Path) -> BatchWorker:
        with self._lock:
            worker, users = self._running.get(path) or (BatchWorker(LanguageModel.load(path)), 0)
            self._running[path] = worker, users + 1
            return worker

    def give_back(self, path: Path) -> None:
        with self._lock:
            worker, users = self._running.pop(path)
            if users > 1:
                self._running[path] = worker, users - 1
                return
        worker.close()


_workers = _Workers()


def _chunk(
    frame: Mapping[str, Any],
    delta: Mapping[str, Any],
    logprobs: object = None,
    finish_reason: str | None = None,
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": logprobs}
    return {**frame, "choices": [choice]}


def _shown(tokens: list[Token] | tuple[Token, ...], params: Mapping[str, Any]) -> dict[str, Any] | None:
    """OpenAI's `logprobs` object, where the caller asked for it."""
    if not params.get("logprobs"):
        return None
    return {
        "content": [
            {**_entry(token.text, token.logprob), "top_logprobs": [_entry(*pair) for pair in token.top]}
            for token in tokens
        ]
    }


def _entry(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
