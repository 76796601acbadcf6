"""An endpoint on loopback that embeds like OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


def vector(text: str) -> list[float]:
    return [float(len(text)), float(text.count("a")), 1.0]


class Server(ThreadingHTTPServer):
    """``statuses`` are answered in order before anything else; ``seen`` holds bodies and keys; without ``go``
    it holds its answers back."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.seen: list[tuple[dict[str, Any], str | None]] = []
        self.spoil = False
        self.go = Event()
        self.go.set()
        self.said = "no"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((body, self.headers.get("Authorization")))
        self.server.go.wait(20)
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        rows = [{"index": i, "embedding": vector(t)} for i, t in enumerate(body["input"])]
        found: object = {"data": rows[::-1]} if status == 200 else {"error": {"message": self.server.said}}
        if self.server.spoil:
            found = {"data": rows[1:]}
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def embedding_server() -> Iterator[Server]:
    """A running ``Server``."""
    running = Server()
    thread = Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()
        thread.join()
