"""Requests from the wire, checked as far as penstock needs them; everything else is carried along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from penstock.candidates import Requirements
from penstock.errors import InputError
from penstock.gateway.errors import WireError
from penstock.providers.base import ChatRequest
from penstock.providers.openai_format import text_hash
from penstock.router.targets import Target
from penstock.types import Query, message_text

AUTO = "auto"
_CHARACTERS_PER_TOKEN = 4
_LONGEST_NAME = 500
_IMAGE_PARTS = frozenset({"image_url", "input_image", "image"})


@dataclass(frozen=True, slots=True)
class Incoming:
    """One chat request. ``asked`` is the model as the caller named it."""

    asked: str
    request: ChatRequest
    stream: bool

    @property
    def query(self) -> Query:
        """Named by the hash of its conversation: asked again, it is decided the same way."""
        text = json.dumps(list(self.request.messages), sort_keys=True, default=str)
        return Query(id=text_hash(text), messages=self.request.messages)


async def read(request: Request, max_bytes: int) -> Incoming:
    """The request of a body. Raises ``WireError`` naming the field that is wrong."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise WireError(415, "send JSON: Content-Type: application/json", code="unsupported_media_type")
    size = request.headers.get("content-length", "")
    if size.isdigit() and int(size) > max_bytes:
        raise _too_large(max_bytes)
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > max_bytes:
            raise _too_large(max_bytes)
    return parse(bytes(content))


def parse(content: bytes) -> Incoming:
    """The same, from bytes."""
    try:
        body = json.loads(content, parse_constant=_no_constant)
        if b"\\ud" in content or b"\\uD" in content:  # perhaps half of a surrogate pair, which is no text
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise WireError(400, f"the body is not JSON: {error}", code="invalid_json") from error
    if not isinstance(body, dict):
        raise WireError(400, "the body must be a JSON object", code="invalid_json")
    asked, messages, stream = body.pop("model", None), body.pop("messages", None), body.pop("stream", None)
    if not isinstance(asked, str) or not 0 < len(asked) <= _LONGEST_NAME:
        raise WireError(400, "'model' must be a text: auto, auto:TARGET=NUMBER or a candidate", param="model")
    if not isinstance(stream, bool | None):
        raise WireError(400, "'stream' must be true or false", param="stream")
    _check_messages(messages)
    if not isinstance(body.get("stream_options"), dict | None):
        raise WireError(400, "'stream_options' must be an object", param="stream_options")
    if body.get("stream_options") is not None and not stream:
        raise WireError(400, "'stream_options' goes with stream=true only", param="stream_options")
    return Incoming(asked, ChatRequest(tuple(messages), body), bool(stream))


def target_of(asked: str) -> Target | None:
    """The target in ``auto:TARGET=NUMBER``; None for plain ``auto``. Raises ``WireError`` on nonsense."""
    if asked == AUTO:
        return None
    try:
        return Target.parse(asked.removeprefix(f"{AUTO}:"))
    except InputError as error:
        raise WireError(400, str(error), param="model", code="invalid_target") from error


def requirements(request: ChatRequest) -> Requirements:
    """What a request needs of a candidate; tokens are estimated as a quarter of the characters."""
    params = request.params
    tools = params.get("tools") or params.get("functions")
    characters = sum(len(message_text(message)) for message in request.messages)
    characters += len(json.dumps(tools, default=str)) if tools else 0
    limit = params.get("max_completion_tokens") or params.get("max_tokens")
    answer = limit if isinstance(limit, int) else 0
    shape = params.get("response_format")
    return Requirements(
        context_tokens=-(-characters // _CHARACTERS_PER_TOKEN) + answer,
        tools=bool(tools),
        vision=any(_has_image(message.get("content")) for message in request.messages),
        json_schema=isinstance(shape, Mapping) and shape.get("type") == "json_schema",
    )


def _has_image(content: object) -> bool:
    return isinstance(content, list) and any(
        isinstance(part, Mapping) and part.get("type") in _IMAGE_PARTS for part in content
    )


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise WireError(400, "'messages' must be a list of at least one message", param="messages")
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise WireError(400, f"'{where}' must be an object with a role", param=where)
        if not isinstance(message.get("content"), str | list | None):
            raise WireError(
                400, f"'{where}.content' must be a text or a list of parts", param=f"{where}.content"
            )


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")


def _too_large(limit: int) -> WireError:
    return WireError(413, f"the body is larger than {limit} bytes", code="body_too_large")
