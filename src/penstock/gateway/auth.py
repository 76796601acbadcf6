"""Who may ask."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.gateway.errors import error_body
from penstock.gateway.settings import is_loopback

_OPEN = frozenset({"/health"})


class ApiKeyMiddleware:
    """With a key: callers show it as ``Authorization: Bearer``. Without one: only requests addressed to this
    machine by a loopback name pass, so that no web page can reach the gateway through a name of its own.
    """

    def __init__(self, app: ASGIApp, api_key: str | None) -> None:
        self.app = app
        self._expected = None if api_key is None else f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _OPEN:
            await self.app(scope, receive, send)
            return
        refused = self._refuse(Request(scope))
        await (refused or self.app)(scope, receive, send)

    def _refuse(self, request: Request) -> JSONResponse | None:
        if self._expected is None:
            if is_loopback(request.url.hostname or ""):
                return None
            message = "without a key this gateway answers to loopback names only"
            return JSONResponse(error_body(403, message, code="host_not_allowed"), 403)
        shown = request.headers.get("authorization", "").encode("latin-1")
        if hmac.compare_digest(shown, self._expected):
            return None
        message = "a valid key is needed: Authorization: Bearer ..."
        return JSONResponse(
            error_body(401, message, code="invalid_api_key"), 401, {"www-authenticate": "Bearer"}
        )
