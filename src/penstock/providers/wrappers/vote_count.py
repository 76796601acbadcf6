"""The ballots of one vote as samples come in: the same counting and stopping as in a replay (core.votes)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from penstock.candidates import Vote, Weighting
from penstock.core.votes import LEVELS, NO_VOTE, count_votes, decision, levels, majority, probability_weights
from penstock.types import Answer, IntArray, Status


def thresholds(vote: Vote) -> tuple[float | None, ...]:
    """The confidence each sample is asked at; None where the candidate's own counts, or none does."""
    if vote.weights is not Weighting.RCV:
        return (None,) * vote.samples
    return tuple(level / LEVELS for level in levels(vote.samples).tolist())


@dataclass(slots=True)
class Ballots:
    """What the samples of one query said so far. ``read`` finds the final answer of a text."""

    vote: Vote
    read: Callable[[str], str | None]
    _said: dict[int, tuple[str | None, int]] = field(default_factory=dict)
    _weights: IntArray = field(init=False)

    def __post_init__(self) -> None:
        ranged = self.vote.weights is Weighting.RCV
        self._weights = levels(self.vote.samples) if ranged else np.ones(self.vote.samples, dtype=np.int64)

    def cast(self, sample: int, answer: Answer | None) -> None:
        """Sample number ``sample`` is in; None where it could not be asked."""
        found = self.read(answer.text) if answer is not None and answer.status is Status.ANSWERED else None
        self._said[sample] = (found, self._weight(sample, answer))

    def __len__(self) -> int:
        return len(self._said)

    def decided(self) -> bool | None:
        """Whether the vote is accepted (True), rejected (False) or not decided yet (None)."""
        vote, complete = self.vote, len(self) == self.vote.samples
        if not len(self):
            return None
        if vote.certainty is not None:
            votes = count_votes(*self._counted())
            if not complete and majority(int(votes.top[0]), int(votes.second[0])) < vote.certainty:
                return None
            return self._in_hand()
        if vote.accept is None:
            return self._in_hand() if complete else None
        codes, weights = self._counted()
        return decision(codes[0], weights, self._ahead(), vote.accept)

    def winner(self) -> tuple[int, str, float] | None:
        """The first sample that gave the winning answer, that answer, and its share of the weight in hand."""
        votes = count_votes(*self._counted())
        code = int(votes.winner[0])
        if code == NO_VOTE:
            return None
        sample = self._order()[int(np.flatnonzero(self._counted()[0][0] == code)[0])]
        return sample, self._said[sample][0] or "", float(votes.confidence[0])

    def _in_hand(self) -> bool:
        codes, weights = self._counted()
        if self.vote.accept is None:
            return bool(count_votes(codes, weights).winner[0] != NO_VOTE)
        return bool(decision(codes[0], weights, 0, self.vote.accept))

    def _order(self) -> list[int]:
        return sorted(self._said)

    def _counted(self) -> tuple[IntArray, IntArray]:
        """(1, m) codes in order of first appearance by sample number, and their weights (m,)."""
        known: dict[str, int] = {}
        said = [self._said[sample] for sample in self._order()]
        codes = [NO_VOTE if text is None else known.setdefault(text, len(known)) for text, _ in said]
        return np.array([codes], dtype=np.int64), np.array([weight for _, weight in said], dtype=np.int64)

    def _weight(self, sample: int, answer: Answer | None) -> int:
        if self.vote.weights is not Weighting.CISC:
            return int(self._weights[sample])
        mean = np.mean(answer.logprobs) if answer is not None and answer.logprobs else np.nan
        return int(probability_weights(np.array([mean]))[0])

    def _ahead(self) -> int:
        waiting = [k for k in range(self.vote.samples) if k not in self._said]
        if self.vote.weights is Weighting.CISC:
            return LEVELS * len(waiting)
        return int(self._weights[waiting].sum())
