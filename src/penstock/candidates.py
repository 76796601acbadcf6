"""Candidates, pools and eligibility.

A candidate is a model *and how it is called*: two prompts, temperatures or sample counts of one model are two
candidates. A pool is what one policy chooses among.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.errors import PoolError
from penstock.pricing import Price


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model and how it is called.

    ``provider`` names an entry of the provider registry, ``model`` the model's name there, ``options`` what
    that provider needs (``base_url``, ``api_key`` as a reference to the environment, ``timeout_s``).
    ``params`` are request fields that override the caller's (temperature, max_tokens). ``system`` is text put
    before the conversation. Capabilities are None where unknown, which never excludes.
    """

    name: str
    provider: str
    model: str
    price: Price | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    system: str | None = None
    context_window: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    json_schema: bool | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a request needs of a candidate. ``context_tokens`` counts the prompt and the answer asked for."""

    context_tokens: int = 0
    tools: bool = False
    vision: bool = False
    json_schema: bool = False


def is_eligible(candidate: Candidate, needs: Requirements) -> bool:
    """Whether a candidate can serve a request at all; decided before anything is scored."""
    if candidate.context_window is not None and needs.context_tokens > candidate.context_window:
        return False
    pairs = (
        (needs.tools, candidate.tools),
        (needs.vision, candidate.vision),
        (needs.json_schema, candidate.json_schema),
    )
    return not any(needed and able is False for needed, able in pairs)


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates one policy chooses among; names are unique."""

    candidates: tuple[Candidate, ...]

    def __post_init__(self) -> None:
        if not self.candidates:
            raise PoolError("a pool needs at least one candidate")
        seen: set[str] = set()
        for candidate in self.candidates:
            if candidate.name in seen:
                raise PoolError(f"candidate name {candidate.name!r} stands twice", field="candidates")
            seen.add(candidate.name)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __len__(self) -> int:
        return len(self.candidates)

    def __contains__(self, name: object) -> bool:
        return any(c.name == name for c in self.candidates)

    def __getitem__(self, name: str) -> Candidate:
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        known = ", ".join(self.names)
        raise PoolError(f"no candidate is called {name!r}; the pool has {known}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.candidates)
