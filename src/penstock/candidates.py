"""Candidates, pools and eligibility.

A candidate is a model *and how it is called*: two prompts, temperatures or sample counts of one model are two
candidates. A pool is what one policy chooses among.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from penstock.errors import PoolError
from penstock.pricing import Price

REFUSAL = "Sorry, I can't answer that."
INSTRUCTION = (
    "Answer only if your confidence of being correct is at least {threshold}; "
    "otherwise reply exactly: {refusal}"
)
"""SATER's instruction and refusal (EMNLP 2025, our reading of the paper)."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """The instruction to answer only when sure enough, written after the last user message.

    ``threshold`` in (0, 1]; None where each sample of a vote has its own. An answer that begins with
    ``refusal`` (case, spacing and punctuation aside) is a refusal; it is recognised within the first
    ``within`` tokens and cut off there.
    """

    threshold: float | None = None
    instruction: str = INSTRUCTION
    refusal: str = REFUSAL
    within: int = 10

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0.0 < self.threshold <= 1.0:
            raise PoolError(f"must lie above 0 and at most at 1, not at {self.threshold}", field="threshold")
        if not any(c.isalnum() for c in self.refusal):
            raise PoolError("must hold a word", field="refusal")
        if "{threshold}" not in self.instruction:
            raise PoolError("must hold {threshold}", field="instruction")
        if self.within < 1:
            raise PoolError(f"must be at least 1, not {self.within}", field="within")

    def sentence(self, threshold: float | None = None) -> str:
        """The instruction at a threshold (its own where None), written as ``0.7`` or ``1.0``."""
        at = self.threshold if threshold is None else threshold
        filled = self.instruction.replace("{threshold}", str(float(at or 0.0)))
        return filled.replace("{refusal}", self.refusal)


class Weighting(StrEnum):
    """How the samples of a vote count: ``sc`` equally; ``fcv`` equally, all asked at one confidence; ``rcv``
    sample k asked at confidence k/K and counting as much; ``cisc`` by their own mean token probability."""

    SC = "sc"
    FCV = "fcv"
    RCV = "rcv"
    CISC = "cisc"


@dataclass(frozen=True, slots=True)
class Vote:
    """Several samples of one model, answered with the answer of the most weight.

    ``accept``: the share of the weight the winner needs; a vote that falls short is a refusal, and sampling
    stops as soon as that is decided. None accepts every winner, and all samples are drawn: their share is
    the answer's ``confidence``. ``certainty`` instead draws one sample at a time and stops once the majority
    is that certain (adaptive self-consistency). ``answer`` says what is compared: ``text``, ``numeric``,
    ``choice`` or ``regex`` (with a ``pattern``); a sample in which nothing is found votes for nobody.
    ``temperature`` and ``top_p`` are those of the samples unless the candidate's ``params`` say otherwise.
    ``repeats_cached``: the provider bills the prompt of all samples but one at its price of cached input.
    """

    samples: int = 10
    weights: Weighting = Weighting.SC
    accept: float | None = None
    certainty: float | None = None
    answer: str = "text"
    pattern: str | None = None
    temperature: float = 1.0
    top_p: float = 0.95
    repeats_cached: bool = False

    def __post_init__(self) -> None:
        if self.weights not in set(Weighting):
            raise PoolError(f"must be one of {', '.join(Weighting)}, not {self.weights!r}", field="weights")
        object.__setattr__(self, "weights", Weighting(self.weights))
        if self.samples < 1:
            raise PoolError(f"must be at least 1, not {self.samples}", field="samples")
        if self.accept is not None and not 0.0 < self.accept <= 1.0:
            raise PoolError(f"must lie above 0 and at most at 1, not at {self.accept}", field="accept")
        if self.certainty is not None and not 0.5 < self.certainty < 1.0:
            raise PoolError(f"must lie between 0.5 and 1, not at {self.certainty}", field="certainty")
        if self.certainty is not None and self.weights in {Weighting.RCV, Weighting.CISC}:
            raise PoolError("the adaptive stopping rule is for samples that count equally", field="certainty")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model and how it is called.

    ``provider`` names an entry of the provider registry, ``model`` the model's name there, ``options`` what
    that provider needs (``base_url``, ``api_key`` as a reference to the environment, ``timeout_s``).
    ``params`` are request fields that override the caller's (temperature, max_tokens). ``system`` is text put
    before the conversation. ``confidence`` makes it answer only when sure enough, ``vote`` makes several
    samples one answer, ``judge`` is a candidate that rates its answers (``providers.refusing``,
    ``providers.voting``, ``providers.judged``). Capabilities are None where unknown, which never excludes.
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
    confidence: Confidence | None = None
    vote: Vote | None = None
    judge: Candidate | None = None

    def __post_init__(self) -> None:
        if self.judge is not None:
            _check_judge(self, self.judge)
        weights = None if self.vote is None else self.vote.weights
        threshold = None if self.confidence is None else self.confidence.threshold
        if weights is Weighting.RCV:
            if threshold is not None:
                raise PoolError("each sample of an rcv vote has its own threshold", field="confidence")
        elif weights is Weighting.FCV or self.confidence is not None:
            if threshold is None:
                raise PoolError("needs a threshold, such as 0.7", field="confidence")
            if weights in {Weighting.SC, Weighting.CISC}:
                raise PoolError(
                    "samples asked at a confidence are weighed by fcv or rcv", field="vote.weights"
                )

    @property
    def calls(self) -> int:
        """How many generations one answer takes at most."""
        return 1 if self.vote is None else self.vote.samples


def _check_judge(candidate: Candidate, judge: Candidate) -> None:
    if candidate.vote is not None:
        raise PoolError("a vote has a confidence of its own: its winner's share", field="judge")
    if judge.judge is not None or judge.vote is not None or judge.confidence is not None:
        raise PoolError(
            "must be a model that simply answers: not one that votes, refuses or is judged", field="judge"
        )


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
    # calls of tools can neither be counted nor rated
    if needs.tools and (candidate.vote is not None or candidate.judge is not None):
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
