"""Errors as OpenAI's clients expect them: a status and ``{"error": {message, type, param, code}}``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from penstock.errors import InputError, PenstockError, ProviderError, RequestRejected, TargetError

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class WireError(HTTPException):
    """A request that cannot be served as it is."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(status, message)
        self.param, self.code = param, code


def error_body(
    status: int, message: str, *, param: str | None = None, code: str | None = None, type_: str | None = None
) -> dict[str, Any]:
    """OpenAI's error body."""
    kind = type_ or _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def describe(error: Exception) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers of any error. Of one that is not ours nothing is told."""
    if isinstance(error, HTTPException):
        status, param, code = error.status_code, getattr(error, "param", None), getattr(error, "code", None)
        return status, error_body(status, error.detail, param=param, code=code), dict(error.headers or {})
    if isinstance(error, ProviderError):
        return _of_provider(error)
    if isinstance(error, TargetError):
        return 400, error_body(400, str(error), param="model", code="target_out_of_reach"), {}
    if isinstance(error, InputError):
        return 400, error_body(400, str(error), param=error.field), {}
    return 500, error_body(500, str(error) if isinstance(error, PenstockError) else "internal error"), {}


def _of_provider(error: ProviderError) -> tuple[int, dict[str, Any], dict[str, str]]:
    if isinstance(error, RequestRejected):
        return error.upstream_status, _passed_on(error), {}
    wait, kind = error.retry_after_s, _TYPES.get(error.status, "upstream_error")
    headers = {} if wait is None else {"retry-after": str(math.ceil(wait))}
    return error.status, error_body(error.status, str(error), code=_code(error), type_=kind), headers


async def handle(request: Request, error: Exception) -> JSONResponse:
    """Starlette's exception handler."""
    status, body, headers = describe(error)
    return JSONResponse(body, status, headers)


def _passed_on(error: RequestRejected) -> dict[str, Any]:
    """What the provider said, where it spoke OpenAI's language."""
    said = error.body.get("error") if isinstance(error.body, Mapping) else None
    if isinstance(said, Mapping) and isinstance(said.get("message"), str):
        return {"error": dict(said)}
    return error_body(error.upstream_status, str(error), code="request_rejected")


def _code(error: ProviderError) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
