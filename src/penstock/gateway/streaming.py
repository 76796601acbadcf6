"""Server-sent events out, and callers who leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Any

from starlette.types import Receive, Send

DONE = b"data: [DONE]\n\n"


class EventStream:
    """An open event stream: ``start`` once, then events and comments, then ``end``."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def start(self, headers: Mapping[str, str]) -> None:
        """Send the head of the response; from here on the status is 200."""
        fields = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": raw})
        self.started = True

    async def event(self, body: Mapping[str, Any]) -> None:
        """One event with a JSON body."""
        await self._write(b"data: " + json.dumps(body).encode() + b"\n\n")

    async def comment(self, text: str) -> None:
        """One comment: clients drop it, connections live by it."""
        await self._write(f": {text}\n\n".encode())

    async def end(self, *, done: bool) -> None:
        """Close the stream, saying ``[DONE]`` where it is."""
        await self._send({"type": "http.response.body", "body": DONE if done else b"", "more_body": False})

    async def _write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})


async def until_disconnect(receive: Receive, work: Coroutine[Any, Any, None]) -> bool:
    """Do ``work`` while the caller is there; True where it was done, False where it was cancelled.

    The body of the request must have been read: what comes next from ``receive`` is the disconnect.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        left = not task.done()
        for waited in (task, gone):
            waited.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
    if left:
        return False
    task.result()
    return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
