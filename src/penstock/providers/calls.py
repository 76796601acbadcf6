"""How a candidate is called: what its settings make of a caller's request."""

from __future__ import annotations

from dataclasses import replace

from penstock.candidates import Candidate
from penstock.providers.base import ChatRequest


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
