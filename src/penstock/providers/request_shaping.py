"""How a candidate is called: what its settings make of a caller's request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from penstock.candidates import Candidate
from penstock.providers.base import ChatRequest, Completion, StreamChunk
from penstock.providers.openai_format import chunks_of, usage_chunk


def conversation(candidate: Candidate, request: ChatRequest) -> ChatRequest:
    """The request as it is sent: the candidate's parameters over the caller's, its system text in front."""
    messages = request.messages
    if candidate.system is not None:
        messages = ({"role": "system", "content": candidate.system}, *messages)
    return replace(request, messages=messages, params={**request.params, **candidate.params})


def wants_usage(request: ChatRequest) -> bool:
    """Whether the caller asked for the usage chunk at the end of a stream."""
    options = request.params.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def as_stream(completion: Completion, request: ChatRequest) -> Iterator[StreamChunk]:
    """A finished completion as the stream that was asked for."""
    for body in chunks_of(completion.body):
        yield StreamChunk(body)
    if wants_usage(request):
        yield StreamChunk(usage_chunk(completion.body))
    yield StreamChunk(None, completion.answer)
