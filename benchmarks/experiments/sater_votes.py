"""Cost, quality and waiting of every method at every threshold, on one set of items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.experiments.sater_answers import Answers, Items, right_ballot
from penstock.core.vote_clock import parallel_vote
from penstock.core.votes import LEVELS, adaptive_stop, levels, probability_weights
from penstock.evaluation.tradeoff import Ends, perfect_when_routed, token_cost
from penstock.evaluation.waiting import Waiting, waiting
from penstock.types import BoolArray, FloatArray, IntArray

TAUS = tuple(round(0.1 * i, 1) for i in range(1, LEVELS + 1))


@dataclass(frozen=True)
class Point:
    """One method at one setting, per item (n,): ``routed`` to the large model, ``right`` where it was not,
    small-model tokens ``spent`` (input once, everything decoded) and tokens ``waited`` for the decision."""

    setting: float
    routed: BoolArray
    right: BoolArray
    spent: IntArray
    waited: IntArray

    def quality(self, large: BoolArray) -> FloatArray:
        """(n,) of the whole system."""
        return np.where(self.routed, large, self.right).astype(np.float64)

    def rows(self, index: IntArray) -> Point:
        """Some of the items."""
        return Point(
            self.setting, self.routed[index], self.right[index], self.spent[index], self.waited[index]
        )

    @property
    def waiting(self) -> Waiting:
        """AGL and AROL in tokens."""
        return waiting(self.waited.astype(np.float64), self.routed)


Sweep = tuple[Point, ...]
"""One method over its settings."""


def before_generation(items: Items, answers: Answers, settings: tuple[float, ...]) -> Sweep:
    """One greedy generation per threshold; a refusal goes to the large model."""
    return tuple(
        Point(
            setting,
            answers.refused[:, j],
            answers.correct[:, j],
            items.prompt + answers.tokens[:, j],
            answers.tokens[:, j],
        )
        for j, setting in enumerate(settings)
    )


def cascade(
    items: Items, answers: Answers, weights: IntArray, *, early: bool = True, most: int | None = None
) -> Sweep:
    """A vote of K parallel samples, accepted at ``tau`` or sent to the large model, over all ``TAUS``."""
    points = []
    for tau in TAUS:
        vote = parallel_vote(answers.ballot, weights, answers.tokens, tau, early=early, most=most)
        right = right_ballot(answers, vote.winner)
        points.append(Point(tau, ~vote.accepted, right, items.prompt + vote.decoded, vote.waited))
    return tuple(points)


def equal(answers: Answers) -> IntArray:
    """Weight one per sample."""
    return np.ones(answers.ballot.shape[1], dtype=np.int64)


def ranged(answers: Answers) -> IntArray:
    """RCV's weights: a sample counts as much as its threshold."""
    return levels(answers.ballot.shape[1])


def adaptive_spend(answers: Answers) -> tuple[float, float]:
    """Adaptive self-consistency: mean (samples, tokens) it draws, one sample after another."""
    used = adaptive_stop(answers.ballot)
    decoded = np.cumsum(answers.tokens, axis=1)[np.arange(len(used)), used - 1]
    return float(used.mean()), float(decoded.mean())


def by_probability(mean_logprob: FloatArray) -> IntArray:
    """CISC's weights."""
    return probability_weights(mean_logprob)


def ends_of(ratio: float, items: Items, base: Answers, large: Answers) -> Ends:
    """The base small model and the large one alone, one greedy answer each, in tokens of the small one."""
    none, prompt = np.zeros(len(items), dtype=np.bool_), items.prompt.astype(np.float64)
    small = token_cost(ratio, small=prompt + base.tokens[:, 0], large=prompt, routed=none)
    dear = ratio * (prompt + large.tokens[:, 0])
    return Ends(base.correct[:, 0].astype(np.float64), small, large.correct[:, 0].astype(np.float64), dear)


def cost_of(point: Point, ratio: float, large_tokens: IntArray) -> FloatArray:
    """(n,) total cost in tokens of the small model; ``large_tokens`` (n,): input and output of the large."""
    return token_cost(
        ratio,
        small=point.spent.astype(np.float64),
        large=large_tokens.astype(np.float64),
        routed=point.routed,
    )


def areas(
    sweep: Sweep, ratio: float, items: Items, ends: Ends, large: Answers, *, perfect: bool = False
) -> tuple[float, float, FloatArray, FloatArray]:
    """(ToA, ToGR, normalised costs (m,), accuracies (m,)) of one method; ``perfect``: the "(100)" reading."""
    right = large.correct[:, 0]
    tokens = items.prompt + large.tokens[:, 0]
    cost = np.array([cost_of(p, ratio, tokens).mean() for p in sweep])
    quality = np.array(
        [
            (perfect_when_routed(p.right.astype(float), p.routed) if perfect else p.quality(right)).mean()
            for p in sweep
        ]
    )
    used = ends.perfect() if perfect else ends
    curve = used.curve(cost, quality)
    return used.toa(curve), used.togr(curve), curve.cost, curve.accuracy


Methods = Mapping[str, Sweep]
