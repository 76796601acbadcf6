"""A gateway in a thread of this process: for demonstrations, notebooks and tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from penstock.errors import PenstockError
from penstock.gateway.listening import listen

_START_S = 20.0


@contextmanager
def serve_in_background(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serve ``app`` on a loopback port (a free one by default); gives its address, ``http://127.0.0.1:1234``.

    Leaving the context lets running requests finish, for up to five seconds. Raises ``PenstockError`` where
    the server does not start.
    """
    listening = listen("127.0.0.1", port)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="penstock-gateway", daemon=True
    )
    thread.start()
    try:
        deadline = time.monotonic() + _START_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise PenstockError("the gateway did not start; see the log above")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=_START_S)
        listening.close()
