"""``/v1/chat/completions``: read, decide, deliver, write down."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from penstock.candidates import Pool, is_eligible
from penstock.errors import PenstockError, ProviderError
from penstock.gateway.driver import (
    Accepted,
    LiveRouter,
    NoAnswer,
    Served,
    StreamingAnswer,
    ask,
    drive,
    open_live,
)
from penstock.gateway.errors import WireError, describe
from penstock.gateway.request_context import RequestContext
from penstock.gateway.settings import Settings
from penstock.gateway.streaming import EventStream, until_disconnect
from penstock.gateway.wire import AUTO, Incoming, read, requirements, target_of
from penstock.providers.base import Provider
from penstock.providers.openai_format import chunks_of, usage_chunk
from penstock.providers.request_shaping import wants_usage
from penstock.storage.base import DecisionLog
from penstock.types import BoolArray

logger = logging.getLogger("penstock.gateway")


@dataclass(frozen=True)
class Gateway:
    """What serving takes. Without a ``pool`` nothing is known of what candidates can do, so nobody is left
    out."""

    router: LiveRouter
    providers: Mapping[str, Provider]
    log: DecisionLog
    settings: Settings
    pool: Pool | None = None


class CarriedJSON(JSONResponse):
    """What a provider said, whatever it was: halves of surrogate pairs and infinite log-probabilities too."""

    def render(self, content: object) -> bytes:
        return json.dumps(content).encode()


class ChatEndpoint:
    """An ASGI application of its own, because a caller who leaves must be noticed while we wait."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            incoming = await read(Request(scope, receive), self.gateway.settings.max_body_bytes)
        except ClientDisconnect:  # nobody is there to be answered, and nothing was decided
            return
        context = RequestContext(incoming)
        serve = self._stream if incoming.stream else self._respond
        try:
            self._choose(context)
            await until_disconnect(receive, serve(context, scope, receive, send))
        finally:
            await self._write_down(context)

    def _choose(self, context: RequestContext) -> None:
        """What the caller's model means. Raises ``WireError`` or ``TargetError``."""
        asked, gateway = context.incoming.asked, self.gateway
        if asked == AUTO or asked.startswith(f"{AUTO}:"):
            target = target_of(asked) or gateway.settings.target
            context.target = target or gateway.router.target
            context.policy = gateway.router.policy_for(target)
        elif asked not in gateway.providers:
            known = ", ".join((AUTO, *gateway.providers))
            message = f"the model {asked!r} does not exist; known are {known}"
            raise WireError(404, message, param="model", code="model_not_found")

    async def _decide(self, context: RequestContext, *, live: bool) -> Served:
        gateway, incoming = self.gateway, context.incoming
        if context.policy is not None:
            served = await drive(
                gateway.router,
                context.policy,
                incoming.query,
                incoming.request,
                gateway.providers,
                context.trace,
                eligible=self._eligible(incoming),
                live=live,
            )
        else:
            served = await self._bypass(context, live)
        context.trace.settle()
        return served

    async def _bypass(self, context: RequestContext, live: bool) -> Served:
        name, request = context.incoming.asked, context.incoming.request
        provider = self.gateway.providers[name]
        try:
            if live:
                return await open_live(name, provider, request, context.trace)
            return Accepted(name, await ask(name, provider, request, context.trace))
        except ProviderError as error:
            return NoAnswer(error)

    def _eligible(self, incoming: Incoming) -> BoolArray | None:
        pool, names = self.gateway.pool, self.gateway.router.candidates
        if pool is None:
            return None
        needs = requirements(incoming.request)
        eligible = np.array([is_eligible(pool[name], needs) for name in names])
        if not eligible.any():
            wanted = [kind for kind in ("tools", "vision", "json_schema") if getattr(needs, kind)]
            what = ", ".join([f"about {needs.context_tokens} tokens of context", *wanted])
            message = f"no candidate can serve this request, which needs {what}"
            raise WireError(400, message, code="no_eligible_candidate")
        return eligible

    async def _respond(self, context: RequestContext, scope: Scope, receive: Receive, send: Send) -> None:
        """A whole answer."""
        served = await self._decide(context, live=False)
        response: JSONResponse
        if isinstance(served, Accepted):
            context.accepted, context.status = served.candidate, served.completion.answer.status
            response = CarriedJSON({**served.completion.body, "model": served.candidate})
        else:
            response = _error_response(served)
        await self._write_down(context)
        response.headers.update(context.headers())
        await response(scope, receive, send)

    async def _stream(self, context: RequestContext, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream. Its head waits for the decision, up to ``keep_alive_s``; then it is kept alive."""
        stream = EventStream(send)
        deciding = asyncio.ensure_future(self._decide(context, live=True))
        try:
            await self._keep_alive(stream, context, deciding)
            served = await deciding
            if isinstance(served, NoAnswer) and not stream.started:
                response = _error_response(served)
                response.headers.update(context.headers())
                await response(scope, receive, send)
                return
            await self._deliver(stream, context, served)
        except Exception as error:
            if not stream.started:
                raise
            # a started response cannot be replaced: the caller learns of it as OpenAI's clients expect
            logger.exception("decision %s failed after its stream was opened", context.id)
            await self._write_down(context)
            await stream.event(describe(error)[1])
            await stream.end(done=False)
        finally:
            await _discard(deciding)

    async def _keep_alive(
        self, stream: EventStream, context: RequestContext, deciding: asyncio.Future[Served]
    ) -> None:
        while not (await asyncio.wait({deciding}, timeout=self.gateway.settings.keep_alive_s))[0]:
            if not stream.started:
                await stream.start({"x-penstock-decision-id": context.id})
            await stream.comment("deciding")

    async def _deliver(self, stream: EventStream, context: RequestContext, served: Served) -> None:
        """One answer and no other; after its first byte there is no way back."""
        failure = served.error if isinstance(served, NoAnswer) else None
        if not stream.started:
            running = served.candidate if isinstance(served, StreamingAnswer) else None
            if isinstance(served, Accepted):
                context.accepted = served.candidate
            await stream.start(context.headers(running=running))
        if isinstance(served, StreamingAnswer):
            failure = await _forward(stream, served)
            context.accepted = served.candidate
            context.status = context.trace.runs[-1].status
        elif isinstance(served, Accepted):
            context.accepted, context.status = served.candidate, served.completion.answer.status
            await _replay(stream, served, with_usage=wants_usage(context.incoming.request))
        await self._write_down(context)  # first: whoever reads the end of a stream finds it in the log
        if failure is not None:
            await stream.event(describe(failure)[1])
        await stream.comment(" ".join(f"{name}={value}" for name, value in context.headers().items()))
        await stream.end(done=failure is None)

    async def _write_down(self, context: RequestContext) -> None:
        """Once per request. A log that cannot be written loses its line, not the caller the answer."""
        if context.logged:
            return
        context.logged = True
        try:
            await self.gateway.log.append(context.decision(with_text=self.gateway.settings.log_text))
        except PenstockError as error:
            logger.error("decision %s is not in the log: %s", context.id, error)


async def _forward(stream: EventStream, live: StreamingAnswer) -> ProviderError | None:
    """Chunks as they come, under the candidate's name; the error that broke them off, if one did."""
    async with aclosing(live.rest):
        await stream.event({**live.first, "model": live.candidate})
        try:
            async for body in live.rest:
                await stream.event({**body, "model": live.candidate})
        except ProviderError as error:
            return error
    return None


async def _replay(stream: EventStream, served: Accepted, *, with_usage: bool) -> None:
    """A finished answer, in chunks."""
    body = {**served.completion.body, "model": served.candidate}
    for chunk in chunks_of(body):
        await stream.event(chunk)
    if with_usage:
        await stream.event(usage_chunk(body))


async def _discard(deciding: asyncio.Future[Served]) -> None:
    """Stop what a caller who left no longer needs; a running stream is closed where it stands."""
    deciding.cancel()
    (served,) = await asyncio.gather(deciding, return_exceptions=True)
    if isinstance(served, StreamingAnswer):
        await served.rest.aclose()


def _error_response(served: Served) -> JSONResponse:
    error = served.error if isinstance(served, NoAnswer) else PenstockError("no whole answer")
    status, body, headers = describe(error)
    return JSONResponse(body, status, headers)
