"""The values everything speaks: queries, answers and how an answer ended.

Nothing here knows about models, files or networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Message = Mapping[str, Any]
"""One turn in OpenAI's chat format; unknown fields are carried along untouched."""


class Status(StrEnum):
    """How one candidate's attempt at one query ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. ``cached_tokens`` is the part of ``input_tokens`` billed at the cached price."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """One request: a conversation and its task.

    ``task`` is the benchmark or category where one is known. ``group`` names the question a variant or a turn
    belongs to: queries of one group never stand on both sides of a split.
    """

    id: str
    messages: tuple[Message, ...] = ()
    task: str | None = None
    group: str | None = None
    reference: str | None = None

    @classmethod
    def from_prompt(cls, id: str, prompt: str | None, **fields: Any) -> Query:  # noqa: A002 - the field's name
        """A single-turn query; ``prompt=None`` (text not published) gives a query without messages."""
        messages = () if prompt is None else ({"role": "user", "content": prompt},)
        return cls(id=id, messages=messages, **fields)

    @property
    def prompt(self) -> str:
        """The text of the user's turns: what text features are computed from."""
        return "\n\n".join(message_text(m) for m in self.messages if m.get("role", "user") == "user")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one candidate returned for one query, and what it took.

    ``cost_usd`` is None where no price is known; ``logprobs`` are natural-log probabilities of the answer's
    tokens where the provider reports them. ``extracted`` is the final answer where a scorer found one;
    ``confidence`` in [0, 1] how sure the candidate itself is: its vote's share, or its judge's rating.
    """

    candidate: str
    text: str = ""
    status: Status = Status.ANSWERED
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    latency_s: float | None = None
    logprobs: tuple[float, ...] | None = None
    extracted: str | None = None
    finish_reason: str | None = None
    error: str | None = None
    confidence: float | None = None


AnswerOf = Callable[[int, int], Answer]
"""(query, candidate) -> the answer that is shown."""


class HasAnswers(Protocol):
    """Answers of n queries by k candidates: a table's, or one request's."""

    @property
    def answer_of(self) -> AnswerOf:
        """(query, candidate) -> the answer that is shown."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """(n, k)."""
        ...


def message_text(message: Message) -> str:
    """The text of one message; of a message in parts, its text parts."""
    content = message.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = (p for p in content if isinstance(p, Mapping) and p.get("type") == "text")
    return "\n".join(str(part.get("text", "")) for part in parts)
