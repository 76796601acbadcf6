"""Server-sent events, as far as chat streams use them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """The data of every event in a byte stream; comments and other fields are dropped.

    An event cut off by the end of the stream is dropped too, as the standard says.
    """
    buffer, data = b"", list[str]()
    async for chunk in chunks:
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" ").decode("utf-8", "replace"))
            elif not line and data:
                yield "\n".join(data)
                data = []
