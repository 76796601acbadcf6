"""A local server that speaks (and misspeaks) OpenAI's chat API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from penstock.providers.openai_format import chunks_of, completion_body, usage_chunk
from penstock.types import Usage

Handler = Callable[[web.Request, dict[str, Any]], Any]


class FakeServer:
    """``responses`` are handled in order, the last one repeats; ``seen`` holds what came in."""

    def __init__(self) -> None:
        self.responses: list[Handler] = [good()]
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.cancelled = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.seen.append(body)
        self.headers.append(dict(request.headers))
        handler = self.responses[min(len(self.seen), len(self.responses)) - 1]
        try:
            response: web.StreamResponse = await handler(request, body)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return response


def good(text: str = "It is four.", delay_s: float = 0.0, **fields: Any) -> Handler:
    """A right answer, whole or streamed as asked."""

    async def handler(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(delay_s)
        done = completion_body(text, model=body["model"], usage=Usage(12, 5, 4), **fields)
        if not body.get("stream"):
            return web.json_response(done)
        chunks = [*chunks_of(done)]
        if (body.get("stream_options") or {}).get("include_usage"):
            chunks = [{**chunk, "usage": None} for chunk in chunks] + [usage_chunk(done)]
        return await streamed(
            request, [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
        )

    return handler


def raw(status: int, text: str, **headers: str) -> Handler:
    """Exactly this response."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handler(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers=named)

    return handler


def lines(*texts: str, then_s: float = 0.0) -> Handler:
    """A stream of exactly these bytes."""

    async def handler(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await streamed(request, list(texts), then_s)

    return handler


async def streamed(request: web.Request, texts: list[str], then_s: float = 0.0) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for text in texts:
        await response.write(text.encode())
    await asyncio.sleep(then_s)
    return response


@asynccontextmanager
async def running() -> AsyncIterator[FakeServer]:
    fake = FakeServer()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", fake.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    fake.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield fake
    finally:
        await runner.cleanup()
