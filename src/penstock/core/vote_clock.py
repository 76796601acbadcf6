"""What a vote takes: tokens decoded and time waited, sampled side by side or one after another.

Time is in tokens of one stream; multiply by measured seconds per token. Side by side every sample decodes at
the pace of one; when the vote is decided the others are cancelled, and what they had decoded is paid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.votes import NO_VOTE, Stopped, accepts, count_votes, stop_vote
from penstock.errors import InputError
from penstock.types import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class TimedVote:
    """Votes of n queries, all (n,): whether ``accepted``, the ``winner`` (``NO_VOTE`` where rejected), tokens
    ``waited`` until the decision, tokens ``decoded`` in all, and samples ``used`` for it."""

    accepted: BoolArray
    winner: IntArray
    waited: IntArray
    decoded: IntArray
    used: IntArray


def parallel_vote(
    ballots: IntArray,
    weights: IntArray,
    tokens: IntArray,
    tau: float,
    *,
    early: bool = True,
    most: int | None = None,
) -> TimedVote:
    """A vote over samples that run side by side.

    ``ballots`` and ``tokens`` (n, K), ``weights`` (K,) or (n, K). Samples are in as they end, shorter first
    (ties by number). A refusal's tokens are those decoded until it was recognised.
    ``early=False`` waits for all of them. ``most``: as for ``stop_vote``.
    """
    _check_tokens(ballots, tokens)
    spread = np.broadcast_to(weights, ballots.shape)
    if not early:
        waited = tokens.max(axis=1)
        return _timed(_whole(ballots, spread, tau), waited, tokens.sum(axis=1))
    order = np.argsort(tokens, axis=1, kind="stable")
    came = [np.take_along_axis(a, order, axis=1) for a in (ballots, spread, tokens)]
    stopped = stop_vote(came[0], came[1], tau, most=most)
    waited = _at(came[2], stopped.used)
    return _timed(stopped, waited, np.minimum(tokens, waited[:, None]).sum(axis=1))


def sequential_vote(
    ballots: IntArray,
    weights: IntArray,
    tokens: IntArray,
    tau: float,
    *,
    early: bool = True,
    most: int | None = None,
) -> TimedVote:
    """The same, one sample after another from left to right: what is waited for is what is decoded."""
    _check_tokens(ballots, tokens)
    spread = np.broadcast_to(weights, ballots.shape)
    stopped = stop_vote(ballots, spread, tau, most=most) if early else _whole(ballots, spread, tau)
    decoded = _at(np.cumsum(tokens, axis=1), stopped.used)
    return _timed(stopped, decoded, decoded)


def _whole(ballots: IntArray, weights: IntArray, tau: float) -> Stopped:
    """The full vote, as if stopped after the last sample."""
    votes = count_votes(ballots, weights)
    accepted = accepts(votes, tau)
    return Stopped(
        np.full(len(ballots), ballots.shape[1]), accepted, np.where(accepted, votes.winner, NO_VOTE)
    )


def _at(values: IntArray, used: IntArray) -> IntArray:
    """(n,) the value at the last sample used; 0 where none was."""
    found: IntArray = values[np.arange(len(values)), np.maximum(used - 1, 0)]
    return np.where(used > 0, found, 0)


def _timed(stopped: Stopped, waited: IntArray, decoded: IntArray) -> TimedVote:
    return TimedVote(stopped.accepted, stopped.winner, waited, decoded, stopped.used)


def _check_tokens(ballots: IntArray, tokens: IntArray) -> None:
    if tokens.shape != ballots.shape or (tokens < 0).any():
        raise InputError(f"tokens must be at least 0 and of shape {ballots.shape}", field="tokens")
