"""OpenAI's chat bodies, made and read: the only place that knows their shape.

``completion_body`` builds one, ``answer_of`` reads one, ``chunks_of`` cuts one into stream chunks and
``Assembly`` puts stream chunks together again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from penstock.candidates import Candidate
from penstock.pricing import cost_usd
from penstock.types import Answer, Status, Usage

_PIECE = 24
"""Characters of one chunk when a finished text is sent as a stream."""


def text_hash(text: str) -> str:
    """A short stable name of a text (128 bits, hexadecimal)."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def completion_body(
    text: str | None,
    *,
    model: str,
    usage: Usage | None = None,
    finish_reason: str = "stop",
    tool_calls: Sequence[Mapping[str, Any]] = (),
    refusal: str | None = None,
    tokens: Sequence[str] | None = None,
    logprobs: Sequence[float] | None = None,
) -> dict[str, Any]:
    """A ``chat.completion`` body. ``tokens`` are the texts ``logprobs`` belong to, where known."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": refusal}
    if tool_calls:
        message["tool_calls"] = [dict(call) for call in tool_calls]
    choice: dict[str, Any] = {
        "index": 0,
        "message": message,
        "finish_reason": finish_reason,
        "logprobs": None,
    }
    if logprobs is not None:
        texts = [""] * len(logprobs) if tokens is None else tokens
        choice["logprobs"] = {"content": [_logprob(t, p) for t, p in zip(texts, logprobs, strict=True)]}
    body: dict[str, Any] = {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
    }
    if usage is not None:
        body["usage"] = usage_body(usage)
    return body


def usage_body(usage: Usage) -> dict[str, Any]:
    """OpenAI's ``usage`` object."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def answer_of(candidate: Candidate, body: Mapping[str, Any], *, latency_s: float | None = None) -> Answer:
    """What a ``chat.completion`` body amounts to. Its cost is None where usage or price is unknown.

    Only the first choice is read: a policy judges one answer. Fields of the wrong type count as absent.
    """
    choice = _first(body.get("choices"))
    message = _mapping(choice.get("message"))
    content, refusal = message.get("content"), message.get("refusal")
    finish = choice.get("finish_reason")
    refused = bool(refusal) or finish == "content_filter"
    usage = usage_of(body)
    cost = None if usage is None or candidate.price is None else float(cost_usd(usage, candidate.price))
    return Answer(
        candidate=candidate.name,
        text=_text(content) or (str(refusal) if refusal else ""),
        status=Status.REFUSED if refused else Status.ANSWERED,
        usage=usage or Usage(),
        cost_usd=cost,
        latency_s=latency_s,
        logprobs=_logprobs_of(choice),
        finish_reason=finish if isinstance(finish, str) else None,
    )


def usage_of(body: Mapping[str, Any]) -> Usage | None:
    """The tokens a body reports, or None where it does not."""
    usage = body.get("usage")
    if not isinstance(usage, Mapping) or not isinstance(usage.get("prompt_tokens"), int):
        return None
    details = _mapping(usage.get("prompt_tokens_details"))
    inputs = _count(usage.get("prompt_tokens"))
    cached = min(_count(details.get("cached_tokens")), inputs)
    return Usage(inputs, _count(usage.get("completion_tokens")), cached)


def chunks_of(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A finished body as ``chat.completion.chunk`` bodies; every field survives, tool calls whole.

    The chunk with the usage is not among them: ``usage_chunk`` makes it where it was asked for.
    """
    frame = _frame(body)
    for choice in body.get("choices") or ():
        index, message = choice.get("index", 0), dict(choice.get("message") or {})
        content = message.pop("content", None)
        calls = message.pop("tool_calls", None)
        opening = {key: value for key, value in message.items() if value is not None} | {"content": ""}
        yield _chunk(frame, index, opening)
        logprobs = choice.get("logprobs")
        pieces = _pieces(content)
        for i, piece in enumerate(pieces):
            yield _chunk(
                frame, index, {"content": piece}, logprobs=logprobs if i == len(pieces) - 1 else None
            )
        if calls:
            numbered = [{"index": i, **call} for i, call in enumerate(calls)]
            yield _chunk(frame, index, {"tool_calls": numbered})
        yield _chunk(frame, index, {}, finish_reason=choice.get("finish_reason") or "stop")


def usage_chunk(body: Mapping[str, Any]) -> dict[str, Any]:
    """The last chunk of a stream asked for with ``stream_options.include_usage``."""
    return _frame(body) | {"choices": [], "usage": body.get("usage")}


@dataclass(slots=True)
class Assembly:
    """Puts the chunks of one stream together; ``body()`` is the completion they amount to (first choice)."""

    frame: dict[str, Any] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    logprobs: list[Any] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Take in one chunk body."""
        self.frame = self.frame or _frame(chunk)
        if isinstance(chunk.get("usage"), Mapping):
            self.usage = chunk["usage"]
        choice = _first(chunk.get("choices"))
        if not choice or choice.get("index", 0) != 0:
            return
        delta = _mapping(choice.get("delta"))
        if isinstance(delta.get("content"), str):
            self.text.append(delta["content"])
        if isinstance(delta.get("refusal"), str):
            self.refusal.append(delta["refusal"])
        self.logprobs.extend(_mapping(choice.get("logprobs")).get("content") or ())
        self.finish_reason = choice.get("finish_reason") or self.finish_reason

    def body(self) -> dict[str, Any]:
        """The completion so far: what ``answer_of`` reads."""
        message = {
            "role": "assistant",
            "content": "".join(self.text),
            "refusal": "".join(self.refusal) or None,
        }
        logprobs = {"content": self.logprobs} if self.logprobs else None
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": logprobs}
        body = self.frame | {"object": "chat.completion", "choices": [choice]}
        return body if self.usage is None else body | {"usage": self.usage}


def _frame(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in body.items() if key not in ("choices", "usage", "object")}
    return kept | {"object": "chat.completion.chunk"}


def _chunk(
    frame: Mapping[str, Any],
    index: int,
    delta: Mapping[str, Any],
    *,
    finish_reason: str | None = None,
    logprobs: object = None,
) -> dict[str, Any]:
    choice = {"index": index, "delta": dict(delta), "finish_reason": finish_reason, "logprobs": logprobs}
    return {**frame, "choices": [choice]}


def _pieces(content: object) -> list[Any]:
    if isinstance(content, str):
        return [content[i : i + _PIECE] for i in range(0, len(content), _PIECE)]
    return [] if content is None else [content]


def _logprob(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": []}


def _logprobs_of(choice: Mapping[str, Any]) -> tuple[float, ...] | None:
    content = _mapping(choice.get("logprobs")).get("content")
    if not isinstance(content, list):
        return None
    values = [_mapping(item).get("logprob") for item in content]
    return tuple(float(v) for v in values if isinstance(v, int | float))


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(_mapping(part).get("text", "")) for part in parts)


def _first(items: object) -> Mapping[str, Any]:
    return _mapping(items[0]) if isinstance(items, list) and items else {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int:
    return max(value, 0) if isinstance(value, int) else 0
