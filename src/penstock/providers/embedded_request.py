"""What an OpenAI-style chat request means to an embedded model."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.errors import InputError, RequestRejected
from penstock.providers.base import ChatRequest
from penstock.runtime.model import LanguageModel
from penstock.runtime.requests import GenerationRequest
from penstock.types import Message, message_text

MAX_TOP_LOGPROBS = 20
_INSTRUCTING = ("system", "developer")


def generation_request(model: LanguageModel, request: ChatRequest) -> GenerationRequest:
    """The model's own request. Fields that mean nothing to it (tools, penalties, user, ...) are ignored.

    Unlike OpenAI's API, the temperature is 0 where none is given. Without a seed a sample is a fresh one.

    Raises:
        RequestRejected: no user message, a prompt longer than the context, n other than 1, or a field out of
        range.
    """
    params = request.params
    if params.get("n") not in (None, 1):
        raise RequestRejected(f"n must be 1, got {params['n']!r}")
    limit = _limit(params)
    seed = params.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise RequestRejected(f"seed must be a whole number, got {seed!r}")
    made = GenerationRequest(
        prompt=render(model, request.messages),
        max_new_tokens=model.network.context if limit is None else limit,
        temperature=_number(params, "temperature", 0.0, 0.0, 2.0),
        top_p=_number(params, "top_p", 1.0, 0.0, 1.0) or 1e-9,
        seed=secrets.randbits(63) if seed is None else seed % 2**64,
        stop=model.stop_ids(_stops(params.get("stop"))),
        top_logprobs=int(_number(params, "top_logprobs", 0, 0, MAX_TOP_LOGPROBS)),
    )
    try:
        model.check(made)
    except InputError as error:
        raise RequestRejected(str(error)) from error
    return made


def render(model: LanguageModel, messages: Sequence[Message]) -> tuple[int, ...]:
    """Token ids of a conversation: the last user message, then the instructions the model can read.

    These models know single questions only, so earlier turns are left out. A system text is an instruction
    they can read where they know its every word (the confidence sentence, "answer briefly ."); any other is
    ignored.

    Raises:
        RequestRejected: no user message with text.
    """
    tokenizer = model.tokenizer
    texts = [message_text(message) for message in messages if message.get("role") == "user"]
    question = tokenizer.encode(texts[-1]) if texts else []
    if not question:
        raise RequestRejected("the conversation has no user message with text")
    for message in messages:
        if message.get("role") in _INSTRUCTING:
            instruction = tokenizer.encode(message_text(message))
            if tokenizer.unknown_id not in instruction:
                question += instruction
    return (tokenizer.user_id, *question, tokenizer.bot_id)


def _limit(params: Mapping[str, Any]) -> int | None:
    """The token limit asked for, by its new name or its old one."""
    for name in ("max_completion_tokens", "max_tokens"):
        value = params.get(name)
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise RequestRejected(f"{name} must be a whole number of at least 1, got {value!r}")
            return value
    return None


def _number(params: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = params.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RequestRejected(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
    return value


def _stops(stop: object) -> Sequence[str]:
    if stop is None:
        return ()
    texts = [stop] if isinstance(stop, str) else stop
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise RequestRejected(f"stop must be a text or a list of texts, got {stop!r}")
    return texts
