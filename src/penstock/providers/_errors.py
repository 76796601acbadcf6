"""The border between other people's errors and ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from penstock.errors import (
    AuthenticationFailed,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRejected,
)

RETRIED_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_ABOUT_THE_REQUEST = frozenset({400, 413, 415, 422})
_SHOWN = 300


def from_response(status: int, text: str, headers: Mapping[str, str], candidate: str) -> ProviderError:
    """The error an HTTP response means. Text about a refused key is not repeated: it may quote the key."""
    body = _json(text)
    if status in (401, 403):
        return AuthenticationFailed(f"the provider refused the key (HTTP {status})", candidate=candidate)
    said = f"HTTP {status}: {_message(body, text)}"
    if status == 429 and not is_quota(body):
        return RateLimited(said, candidate=candidate, retry_after_s=retry_after(headers))
    if status in (408, 504):
        return ProviderTimeout(said, candidate=candidate, retry_after_s=retry_after(headers))
    if status in _ABOUT_THE_REQUEST:
        return RequestRejected(said, candidate=candidate, upstream_status=status, body=body)
    if 300 <= status < 400:
        return ProviderUnavailable(f"HTTP {status}: redirects are not followed", candidate=candidate)
    return ProviderUnavailable(said, candidate=candidate, retry_after_s=retry_after(headers))


def from_exception(error: BaseException, candidate: str) -> ProviderError:
    """The error an exception of the HTTP client means."""
    if isinstance(error, TimeoutError):
        what = "connection" if isinstance(error, aiohttp.ConnectionTimeoutError) else "answer"
        return ProviderTimeout(f"no {what} in time", candidate=candidate)
    if isinstance(error, aiohttp.ClientConnectorError):
        return ProviderUnavailable(f"cannot connect to {error.host}:{error.port}", candidate=candidate)
    return ProviderUnavailable(f"the connection failed ({type(error).__name__})", candidate=candidate)


def from_error_body(body: Mapping[str, Any], candidate: str) -> ProviderError | None:
    """Some providers send errors with status 200, whole or in a stream; None where ``body`` is no error."""
    error = body.get("error")
    if not error:
        return None
    code = error.get("code") if isinstance(error, Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 502
    return from_response(status, json.dumps(body), {}, candidate)


def is_quota(body: object) -> bool:
    """A used-up quota comes as 429 and does not get better by waiting."""
    error = body.get("error") if isinstance(body, Mapping) else None
    return isinstance(error, Mapping) and "insufficient_quota" in (error.get("code"), error.get("type"))


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait by ``Retry-After`` (a number or an HTTP date); None where absent or unreadable."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((aware - (now or datetime.now(UTC))).total_seconds(), 0.0)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _message(body: object, text: str) -> str:
    error = body.get("error") if isinstance(body, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else error
    said = message if isinstance(message, str) else text
    return " ".join(said.split())[:_SHOWN] or "no message"
