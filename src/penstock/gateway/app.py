"""The application: routes, errors, keys and what is closed at the end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from penstock.candidates import Pool
from penstock.errors import PenstockError, PoolError
from penstock.gateway.auth import ApiKeyMiddleware
from penstock.gateway.chat import ChatEndpoint, Gateway
from penstock.gateway.driver import LiveRouter
from penstock.gateway.errors import WireError, handle
from penstock.gateway.settings import Settings
from penstock.gateway.wire import AUTO
from penstock.providers.base import Provider
from penstock.storage.base import DecisionLog


def create_app(
    router: LiveRouter,
    providers: Mapping[str, Provider],
    log: DecisionLog,
    settings: Settings | None = None,
    *,
    pool: Pool | None = None,
) -> Starlette:
    """The gateway as an ASGI application; it owns ``providers`` and ``log`` and closes them when it ends.

    ``providers`` by candidate name: all of the router's, and others that callers may name. ``pool`` tells
    what candidates can do (context, tools, vision, schemas). Raises ``PoolError`` where one is missing.
    """
    check_candidates(router, providers)
    if pool is not None:
        check_candidates(router, {candidate.name: None for candidate in pool})
    chosen = settings or Settings()
    gateway = Gateway(router, providers, log, chosen, pool)
    models = _models(gateway)

    async def list_models(request: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": list(models.values())})

    async def one_model(request: Request) -> JSONResponse:
        name = request.path_params["name"]
        if name not in models:
            raise WireError(404, f"the model {name!r} does not exist", param="model", code="model_not_found")
        return JSONResponse(models[name])

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})  # open to everybody, so it tells nothing else

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:  # one that cannot be closed does not keep the rest open
            closing.push_async_callback(log.aclose)
            for provider in providers.values():
                closing.push_async_callback(provider.aclose)
            yield

    return Starlette(
        routes=[
            Route("/v1/chat/completions", ChatEndpoint(gateway), methods=["POST"]),
            Route("/v1/models", list_models),
            Route("/v1/models/{name:path}", one_model),
            Route("/health", health),
        ],
        middleware=[Middleware(ApiKeyMiddleware, api_key=chosen.api_key)],
        exception_handlers={HTTPException: handle, PenstockError: handle, Exception: handle},
        lifespan=lifespan,
    )


def check_candidates(router: LiveRouter, offered: Mapping[str, object]) -> None:
    """Raises ``PoolError`` where a candidate of the router is not offered, or one is called auto."""
    missing = [name for name in router.candidates if name not in offered]
    if missing:
        raise PoolError(
            f"the router was fitted on {', '.join(missing)}, which the pool lacks",
            field="candidates",
            hint=f"The pool has {', '.join(offered) or 'none'}; give the same names as in the outcome table",
        )
    if AUTO in offered:
        raise PoolError(f"no candidate may be called {AUTO!r}: that asks for routing", field="candidates")


def _models(gateway: Gateway) -> dict[str, dict[str, Any]]:
    created = int(time.time())
    return {
        name: {"id": name, "object": "model", "created": created, "owned_by": "penstock"}
        for name in (AUTO, *gateway.providers)
    }
