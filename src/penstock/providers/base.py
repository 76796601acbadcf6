"""The seam to language models: one request in, one completion out.

A provider answers OpenAI-style chat requests for one candidate. Requests and responses are OpenAI-shaped
mappings carried through untouched, so that tools and unknown fields survive; the ``Answer`` beside the body
is what estimators and prices are computed from. Providers raise only ``penstock.errors.ProviderError`` and
below.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol, runtime_checkable

from penstock.candidates import Candidate
from penstock.types import Answer, Message


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat request. ``params`` holds every other field of OpenAI's body (temperature, tools, seed, ...),
    never ``model``, ``messages`` or ``stream``.

    ``stopped``: once set, nobody needs the rest of the answer. A provider that can end a generation early
    does, and answers with what it has and what that took; others take no notice, and are left instead.
    """

    messages: tuple[Message, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    stopped: Event | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished call: the OpenAI ``chat.completion`` body as the provider sent it, and what it amounts to.

    ``answer.cost_usd`` is set where the candidate has a price. A refusal is a completion whose answer has
    ``Status.REFUSED``, not an exception.
    """

    answer: Answer
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StreamChunk:
    """One OpenAI ``chat.completion.chunk`` body. The last item of a stream carries the whole ``answer``."""

    body: Mapping[str, Any] | None
    answer: Answer | None = None


@runtime_checkable
class Provider(Protocol):
    """Asks one candidate's model."""

    async def complete(self, request: ChatRequest) -> Completion:
        """One whole answer."""
        ...

    def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        """The answer in chunks as they come; the last item has ``answer`` set and may have no body."""
        ...

    async def aclose(self) -> None:
        """Release connections and threads; may be called twice."""
        ...


class ProviderType(Protocol):
    """What is registered in the room ``provider``: a class that makes its provider for one candidate."""

    def from_candidate(self, candidate: Candidate) -> Provider:
        """Raises ``PoolError`` where a setting of the candidate is wrong."""
        ...
