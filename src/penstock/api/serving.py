"""A gateway beside a notebook."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from penstock.candidates import Pool
from penstock.config.pool_file import load_pool
from penstock.gateway.app import create_app
from penstock.gateway.background import serve_in_background
from penstock.providers.make import make_provider
from penstock.router.router import FittedRouter
from penstock.storage.base import DecisionLog
from penstock.storage.memory import MemoryDecisionLog


class Serving:
    """A gateway that is up at ``url``; its decisions are kept in ``log``, in memory."""

    def __init__(self, url: str, log: DecisionLog, stack: ExitStack) -> None:
        self.url, self.log, self._stack = f"{url}/v1", log, stack

    def stop(self) -> None:
        """Let running requests finish, then close everything; may be called twice."""
        self._stack.close()

    def __enter__(self) -> Serving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Serving({self.url!r}); OpenAI(base_url={self.url!r}, api_key='none') speaks to it"


def serve(router: FittedRouter, pool: Pool | Path | str, *, port: int = 0) -> Serving:
    """Serve ``router`` on a loopback port (a free one by default). Raises ``PoolError`` where the pool lacks
    a candidate."""
    candidates = pool if isinstance(pool, Pool) else load_pool(Path(pool))
    log, stack = MemoryDecisionLog(), ExitStack()
    app = create_app(router, {c.name: make_provider(c) for c in candidates}, log, pool=candidates)
    return Serving(stack.enter_context(serve_in_background(app, port=port)), log, stack)
