"""What a policy is: a frozen dataclass of settings with a pure step function over a batch of queries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from penstock import codec, registry
from penstock.belief import GoesBy
from penstock.registry import Room
from penstock.state import NO_CANDIDATE, State, Step
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class TuningEvidence:
    """What the settings worth trying are chosen from, on n tuning rows.

    Estimates ``ex_ante`` and ``post_hoc`` (n, k), expected ``cost`` (n, k), how far estimates shift
    (``shift_sd`` (n, k); None: not known), what answers say of themselves (``refused``, ``confidence`` (n,
    k); None: nothing), and every candidate's ``mean_quality`` and ``mean_cost`` (k,).
    """

    ex_ante: FloatArray
    post_hoc: FloatArray
    cost: FloatArray
    mean_quality: FloatArray
    mean_cost: FloatArray
    shift_sd: FloatArray | None = None
    refused: BoolArray | None = None
    confidence: FloatArray | None = None

    @property
    def answers_move_estimates(self) -> bool:
        """Whether an answer changes what is expected of its candidate at all."""
        return not np.array_equal(self.post_hoc, self.ex_ante)

    @property
    def looks_are_worth_something(self) -> bool:
        """Whether an answer is expected to move an estimate."""
        return self.shift_sd is not None and bool((self.shift_sd > 0).any())


class Policy(ABC):
    """A decision rule. Subclasses are frozen dataclasses, registered in the room ``policy``; their fields are
    their settings, and what a bundle stores."""

    room: ClassVar[Room] = Room.POLICY
    goes_by: ClassVar[GoesBy] = GoesBy.ANSWERS
    """What of an answer it goes by: which estimates it is tuned on, and how the guard counts it."""

    @abstractmethod
    def step(self, state: State) -> Step:
        """The next step for every query of the batch. Does not change ``state``."""

    def final_call(self, state: State, column: int) -> bool:
        """Whether an answer of ``column`` to the one query of ``state`` will be accepted whatever it is, so
        that it can be streamed before it is complete."""
        return False

    def scores(self, state: State) -> FloatArray | None:
        """(n, k) what candidates are ranked by, infinite or NaN where one is not ranked; None: by none."""
        return None

    def branch(self, draw: float) -> Policy:
        """The policy that a query with this draw follows: itself, but for a mixture."""
        return self

    def describe(self, candidates: Sequence[str], unit: str = "USD") -> str:
        """One sentence on how it decides; costs are in ``unit``."""
        return registry.entry_of(type(self)).name.replace("_", " ")

    @classmethod
    def search_space(cls, seen: TuningEvidence) -> list[Policy]:
        """The settings worth trying: a price or a threshold apart from each other, cheap and expensive.
        Empty where there is nothing to go by."""
        return []

    @classmethod
    def tunable(cls) -> bool:
        """Whether fitting can try it: it says what settings are worth trying."""
        return cls.search_space.__func__ is not Policy.search_space.__func__  # type: ignore[attr-defined]

    def spec(self) -> Mapping[str, Any]:
        """Kind and settings as plain JSON; ``policy_from`` makes the same policy of it."""
        return codec.plain(self)


def policy_from(spec: Mapping[str, Any]) -> Policy:
    """The policy of a specification. BundleError for a kind or a setting that is not known here."""
    policy: Policy = codec.decode(Policy, dict(spec), {})
    return policy


def call_or_accept(choice: IntArray, state: State) -> Step:
    """The one-shot shape: run ``choice`` (or abstain at -1), then accept it."""
    rows = np.arange(len(choice))
    done = (choice >= 0) & state.executed[rows, np.maximum(choice, 0)]
    nobody = np.full_like(choice, NO_CANDIDATE)
    return Step(call=np.where(done, nobody, choice), accept=np.where(done, choice, nobody))


def already_run(choice: IntArray, state: State) -> IntArray:
    """The candidate that has been run, where one has; else ``choice``: what an answer says of itself never
    makes a one-shot policy choose again."""
    return np.where(state.executed.any(axis=1), state.executed.argmax(axis=1), choice)


def where_eligible(choice: IntArray, state: State) -> IntArray:
    """``choice`` where it may be called; elsewhere the eligible candidate of highest estimate; else -1."""
    rows = np.arange(len(choice))
    allowed = state.eligible[rows, np.maximum(choice, 0)] & (choice >= 0)
    quality: FloatArray = np.where(state.eligible, state.quality, -np.inf)
    best = np.where(state.eligible.any(axis=1), quality.argmax(axis=1), -1)
    return np.where(allowed, choice, best)


def serve_stranded(state: State, stranded: BoolArray, call: IntArray, accept: IntArray) -> None:
    """Where no member of a cascade may be called (``stranded``, (n,)): call, then accept, the best eligible
    candidate outside it. Writes into ``call`` and ``accept``."""
    fallback = already_run(where_eligible(np.full(len(state), NO_CANDIDATE), state), state)
    rows = np.arange(len(state))
    done = (fallback >= 0) & state.executed[rows, np.maximum(fallback, 0)]
    call[stranded & ~done] = fallback[stranded & ~done]
    accept[stranded & done] = fallback[stranded & done]
