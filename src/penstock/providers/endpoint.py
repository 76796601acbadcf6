"""Where an OpenAI-compatible provider sends its requests, and how patiently."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from penstock.candidates import Candidate
from penstock.errors import PoolError
from penstock.providers.secrets import Secret


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``timeout_s`` bounds one attempt (of a stream: the silence between two chunks)."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 120.0
    connect_timeout_s: float = 10.0
    max_retries: int = 2

    @classmethod
    def of(cls, candidate: Candidate, environ: Mapping[str, str] = os.environ) -> Endpoint:
        """From a candidate's options, its keys resolved. Raises ``PoolError`` naming candidate and option."""
        options, name = candidate.options, candidate.name
        try:
            base = str(options.get("base_url") or "")
            check_url(base)
            headers = {key: _secret(value).resolve(environ) for key, value in _headers(options).items()}
            if options.get("api_key"):
                headers["Authorization"] = f"Bearer {_secret(options['api_key']).resolve(environ)}"
            return cls(
                url=f"{base.rstrip('/')}/chat/completions",
                headers=headers,
                timeout_s=_number(options, "timeout_s", 120.0),
                connect_timeout_s=_number(options, "connect_timeout_s", 10.0),
                max_retries=int(_number(options, "max_retries", 2)),
            )
        except PoolError as error:
            raise PoolError(
                f"candidate {name!r}: {error.message}", field=error.field, hint=error.hint
            ) from error


def check_url(url: str) -> None:
    """Raises ``PoolError`` unless ``url`` is an http(s) address without credentials in it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PoolError("not an http(s) address", field="base_url", hint="Write it like https://host/v1")
    if parts.username or parts.password:
        raise PoolError(
            "credentials do not belong in an address", field="base_url", hint="Use api_key: ${NAME}"
        )


def _secret(value: object) -> Secret:
    return value if isinstance(value, Secret) else Secret.parse(str(value))


def _headers(options: Mapping[str, object]) -> Mapping[str, object]:
    headers = options.get("headers") or {}
    if not isinstance(headers, Mapping):
        raise PoolError("must be names and values", field="options.headers")
    return headers


def _number(options: Mapping[str, object], name: str, default: float) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise PoolError("must be a number >= 0", field=name)
    return float(value)
