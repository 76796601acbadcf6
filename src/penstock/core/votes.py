"""Votes of several samples of one model, and when one is decided before all samples are in (SATER, EMNLP
2025).

Ballots are codes numbered within their query in order of first appearance (as by
``estimators.comparison``), ``NO_VOTE`` for a sample that refused or gave no readable answer: it votes
for nobody and stays in the denominator. Weights are whole numbers, so that a stopped vote decides exactly as
the full one; among answers of equal weight the smallest code wins, whatever order the samples came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import ceil, comb, isfinite

import numpy as np

from penstock.errors import InputError
from penstock.types import BoolArray, FloatArray, IntArray

NO_VOTE = -1
"""The ballot of a sample that votes for nobody."""

LEVELS = 10
"""Confidence thresholds are tenths; the weight of a sample asked at t/10 is t."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Counted votes of n queries: ``winner`` (n,), ``NO_VOTE`` where nobody got a vote; its weight ``top``
    and the runner-up's ``second`` (n,), 0 where there is none; ``total`` (n,), refusals included."""

    winner: IntArray
    top: IntArray
    second: IntArray
    total: IntArray

    @property
    def confidence(self) -> FloatArray:
        """(n,) the winner's share of all weight."""
        return self.top / np.maximum(self.total, 1)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A vote that was stopped: ``used`` (n,) samples it waited for, whether it was ``accepted`` (n,), and the
    ``winner`` (n,) of the accepted ones, else ``NO_VOTE``."""

    used: IntArray
    accepted: BoolArray
    winner: IntArray


def levels(samples: int) -> IntArray:
    """(K,) the thresholds, in tenths, of K samples spread over them: 1..10 for ten, 2, 4, .. 10 for five."""
    if samples < 1:
        raise InputError(f"must be at least 1, not {samples}", field="samples")
    return np.array([ceil(Fraction(LEVELS * k, samples)) for k in range(1, samples + 1)], dtype=np.int64)


def count_votes(ballots: IntArray, weights: IntArray) -> Votes:
    """Count ``ballots`` (n, K) of ``weights`` (K,) or (n, K), whole numbers of at least 1."""
    spread = _checked(ballots, weights)
    return _votes(_tally(ballots, spread), spread.sum(axis=1))


def needed(tau: float, total: IntArray) -> IntArray:
    """(n,) the least whole weight that is a share of at least ``tau`` of ``total`` (n,), exactly.

    ``tau`` is read as it prints: 0.1 is one tenth. Above 1 no vote is enough. InputError unless ``tau`` > 0.
    """
    if not isfinite(tau) or tau <= 0:
        raise InputError(f"must be a finite share above 0, not {tau}", field="tau")
    share = Fraction(repr(float(tau)))
    distinct, place = np.unique(total, return_inverse=True)
    return np.array([ceil(share * int(w)) for w in distinct], dtype=np.int64)[place]


def accepts(votes: Votes, tau: float) -> BoolArray:
    """(n,) the full rule: somebody was voted for, with a share of at least ``tau``."""
    enough: BoolArray = (votes.winner != NO_VOTE) & (votes.top >= needed(tau, votes.total))
    return enough


def stop_vote(ballots: IntArray, weights: IntArray, tau: float, *, most: int | None = None) -> Stopped:
    """Read ``ballots`` (n, K) from left to right and stop as soon as the full vote's decision is certain.

    ``most`` None: the weights of samples still to come are known, as they are for SC, RCV and FCV. A number:
    they are not (weights from an answer's own probability), only that none is above it.
    """
    spread = _checked(ballots, weights)
    n, k = ballots.shape
    ahead = _ahead(spread, most)
    used, accepted = np.full(n, k), np.zeros(n, dtype=bool)
    winner, open_ = np.full(n, NO_VOTE), np.ones(n, dtype=bool)
    for seen in range(k + 1):
        votes = _votes(_tally(ballots[:, :seen], spread[:, :seen]), spread[:, :seen].sum(axis=1))
        yes, no = _decided(votes, ahead[:, seen], tau)
        now = open_ & (yes | no)
        used[now], accepted[now] = seen, yes[now]
        winner[now & yes] = votes.winner[now & yes]
        open_ &= ~now
    return Stopped(used, accepted, winner)


def decision(ballots: IntArray, weights: IntArray, ahead: int, tau: float) -> bool | None:
    """Whether the vote on one query is accepted (True), rejected (False) or open (None), from the ballots in
    hand (m,) and the weight still ``ahead`` (the most there can be)."""
    votes = count_votes(ballots[None, :], weights)
    yes, no = _decided(votes, np.array([ahead], dtype=np.int64), tau)
    return True if yes[0] else False if no[0] else None


def probability_weights(mean_logprob: FloatArray, *, temperature: float = 1.0) -> IntArray:
    """Weights 1..10 from mean token log-probabilities, any shape: ``exp(mean / temperature)`` in tenths.

    Confidence-weighted self-consistency (CISC, Taubenfeld et al. 2025) weighs by a softmax of the confidence,
    which within one query is the same up to scale; tenths keep early stopping exact. NaN: the least weight.
    """
    if not isfinite(temperature) or temperature <= 0:
        raise InputError(f"must be a finite number above 0, not {temperature}", field="temperature")
    share = np.exp(np.minimum(np.nan_to_num(mean_logprob, nan=-np.inf), 0.0) / temperature)
    return np.clip(np.ceil(np.round(LEVELS * share, 9)), 1, LEVELS).astype(np.int64)


def adaptive_stop(ballots: IntArray, *, certainty: float = 0.95) -> IntArray:
    """(n,) samples that adaptive self-consistency draws of ``ballots`` (n, K), left to right.

    Aggarwal et al. 2023: it stops once the first answer is the majority of the first two with posterior
    probability of at least ``certainty``, under a uniform prior: ``P(Beta(first + 1, second + 1) > 1/2)``; at
    K in any case.
    """
    if not 0.5 < certainty < 1.0:
        raise InputError(f"must lie between 0.5 and 1, not at {certainty}", field="certainty")
    n, k = ballots.shape
    used = np.full(n, k)
    ones = np.ones_like(ballots)
    for seen in range(k - 1, 0, -1):
        votes = _votes(_tally(ballots[:, :seen], ones[:, :seen]), np.full(n, seen))
        sure = np.array([majority(int(a), int(b)) for a, b in zip(votes.top, votes.second, strict=True)])
        used[sure >= certainty] = seen
    return used


@cache
def majority(first: int, second: int) -> float:
    """P(Beta(first + 1, second + 1) > 1/2), exactly: a binomial tail."""
    trials = first + second + 1
    return float(sum(comb(trials, j) for j in range(first + 1)) / (1 << trials))


def _decided(votes: Votes, ahead: IntArray, tau: float) -> tuple[BoolArray, BoolArray]:
    """(accepted for certain, rejected for certain), each (n,); exactly one of them where nothing is ahead."""
    least = needed(tau, votes.total + ahead)
    some = votes.winner != NO_VOTE
    clear = (ahead == 0) | (votes.top - votes.second > ahead)
    yes = some & clear & (votes.top >= least)
    no = (votes.top + ahead < least) | ((ahead == 0) & ~yes)
    return yes, no


def _ahead(spread: IntArray, most: int | None) -> IntArray:
    """(n, K + 1) the most weight still to come after 0..K samples."""
    n, k = spread.shape
    if most is None:
        coming = np.cumsum(spread[:, ::-1], axis=1)[:, ::-1]
        return np.concatenate([coming, np.zeros((n, 1), dtype=np.int64)], axis=1)
    if (spread > most).any():
        raise InputError(f"a weight is above {most}, the most there can be", field="weights")
    return np.broadcast_to(most * np.arange(k, -1, -1, dtype=np.int64), (n, k + 1))


def _tally(ballots: IntArray, spread: IntArray) -> IntArray:
    """(n, C) weight of every code; at least two columns."""
    n = len(ballots)
    width = max(int(ballots.max(initial=NO_VOTE)) + 1, 2)
    found = np.zeros((n, width), dtype=np.int64)
    row, column = np.nonzero(ballots != NO_VOTE)
    np.add.at(found, (row, ballots[row, column]), spread[row, column])
    return found


def _votes(tally: IntArray, total: IntArray) -> Votes:
    winner = tally.argmax(axis=1)
    top = tally[np.arange(len(tally)), winner]
    second = np.partition(tally, -2, axis=1)[:, -2]
    return Votes(np.where(top > 0, winner, NO_VOTE), top, second, total)


def _checked(ballots: IntArray, weights: IntArray) -> IntArray:
    """(n, K) weights of ballots that mean something."""
    if ballots.ndim != 2 or not ballots.shape[1]:
        raise InputError("a vote needs at least one sample", field="samples")
    if not np.issubdtype(weights.dtype, np.integer) or (weights < 1).any():
        raise InputError("weights must be whole numbers of at least 1", field="weights")
    if weights.shape not in {ballots.shape, ballots.shape[1:]}:
        raise InputError(f"weights of shape {weights.shape} for {ballots.shape[1]} samples", field="weights")
    return np.broadcast_to(weights, ballots.shape)
