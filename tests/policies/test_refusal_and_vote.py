"""SATER's two modes as policies: by hand, as threshold cascades, and beside the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.core.votes import accepts, count_votes, levels
from penstock.errors import InputError
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.index import Index
from penstock.policies.refusal import RefusalCascade, note
from penstock.policies.vote import VoteCascade
from penstock.router.replay import Beliefs, Replayed, replay
from penstock.state import State
from penstock.types import Answer, Status

N = 400
RNG = np.random.default_rng(0)
QUALITY = np.column_stack([RNG.random(N) < 0.5, RNG.random(N) < 0.6, RNG.random(N) < 0.9]).astype(float)
REFUSED = np.column_stack([RNG.random(N) < 0.6, RNG.random(N) < 0.3, np.zeros(N, dtype=bool)])
TRUE = np.where(REFUSED, 0.0, QUALITY)
COST = np.tile([1.0, 3.0, 20.0], (N, 1))
SHARE = np.column_stack([RNG.integers(0, 11, N) / 10, RNG.integers(0, 11, N) / 10, np.full(N, np.nan)])
BELIEFS = Beliefs(
    np.full((N, 3), 0.5),
    np.where(REFUSED, 0.0, 0.7),
    COST,
    np.zeros(N),
    np.full((N, 3), 0.3),
    REFUSED,
    SHARE,
)


def ran(policy: Policy, beliefs: Beliefs = BELIEFS) -> Replayed:
    return replay(policy, beliefs, TRUE, COST)


def test_a_refusal_goes_on_and_an_answer_stays() -> None:
    found = ran(RefusalCascade((0, 1, 2)))
    wanted = np.where(~REFUSED[:, 0], 0, np.where(~REFUSED[:, 1], 1, 2))
    assert np.array_equal(found.accepted, wanted)
    assert np.array_equal(found.cost, np.array([1.0, 4.0, 24.0])[wanted])
    assert np.array_equal(found.quality, TRUE[np.arange(N), wanted])


def test_the_last_member_is_accepted_even_where_it_refuses() -> None:
    assert set(ran(RefusalCascade((2, 0))).accepted) == {2}
    found = ran(RefusalCascade((0, 1)))
    both = REFUSED[:, 0] & REFUSED[:, 1]
    assert (found.accepted[both] == 1).all()
    assert (found.quality[both] == 0.0).all()


def test_without_an_account_of_refusals_an_answer_worth_nothing_is_one() -> None:
    blind = replace(BELIEFS, refused=None)
    assert np.array_equal(
        ran(RefusalCascade((0, 1, 2)), blind).accepted, ran(RefusalCascade((0, 1, 2))).accepted
    )


def test_a_vote_goes_on_below_its_share() -> None:
    found = ran(VoteCascade((0, 2), (0.7,)))
    stays = ~REFUSED[:, 0] & (SHARE[:, 0] >= 0.7)
    assert np.array_equal(found.accepted, np.where(stays, 0, 2))


def test_it_is_the_threshold_cascade_on_the_share_as_post_hoc_estimate() -> None:
    """Papers D."""
    told = Beliefs(BELIEFS.ex_ante, np.where(REFUSED, 0.0, np.nan_to_num(SHARE)), COST, np.zeros(N))
    for tau in (0.05, 0.3, 0.7, 1.0):
        a, b = ran(VoteCascade((0, 1, 2), (tau, tau))), ran(ThresholdCascade((0, 1, 2), (tau, tau)), told)
        assert np.array_equal(a.accepted, b.accepted)
        assert np.array_equal(a.cost, b.cost)


def test_it_accepts_what_the_vote_itself_would() -> None:
    """Shares of small whole numbers, read as floats, decide as exact counting does."""
    ballots = RNG.integers(-1, 3, size=(N, 10))
    votes = count_votes(ballots, levels(10))
    for tau in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 6 / 11):
        share = np.column_stack([votes.confidence, np.full(N, np.nan)])
        refused = np.column_stack([votes.winner < 0, np.zeros(N, dtype=bool)])
        half = np.full((N, 2), 0.5)
        beliefs = Beliefs(half, half, np.ones((N, 2)), np.zeros(N), None, refused, share)
        found = replay(VoteCascade((0, 1), (tau,)), beliefs, half, np.ones((N, 2)))
        assert np.array_equal(found.accepted == 0, accepts(votes, tau))


def test_an_answer_that_says_nothing_of_itself_is_held_against_its_estimate() -> None:
    silent = replace(BELIEFS, confidence=np.full((N, 3), np.nan))
    found = ran(VoteCascade((0, 2), (0.7,)), silent)
    assert np.array_equal(found.accepted == 0, ~REFUSED[:, 0])


@pytest.mark.parametrize("lam", [0.001, 0.01, 0.2])
def test_others_go_on_from_refusals_too(lam: float) -> None:
    """A refused answer is worth 0 to every policy: none is kept where any answer came back."""
    for policy in (Index(lam), CascadeRouting((lam,), 1.0, 3)):
        found = ran(policy)
        refused = REFUSED[np.arange(N), found.accepted]
        answered = (found.executed & ~REFUSED).any(axis=1)
        assert not (refused & answered).any()
    assert not REFUSED[np.arange(N), ran(Index(0.001)).accepted].any()


def test_what_answers_say_of_themselves_is_noted_for_one_query() -> None:
    shape = (2, 2)
    nothing = np.zeros(shape, dtype=bool)
    state = State(
        np.full(shape, 0.5),
        np.ones(shape),
        nothing,
        ~nothing,
        np.zeros(2),
        None,
        None,
        nothing,
        np.full(shape, np.nan),
    )
    told = note(state, 1, {0: Answer("a", status=Status.REFUSED), 1: Answer("b", confidence=0.8)})
    assert told.refused is not None
    assert told.confidence is not None
    assert told.refused.tolist() == [[False, False], [True, False]]
    assert told.confidence[1].tolist()[1] == 0.8
    assert np.isnan(told.confidence[0]).all()
    assert state.refused is not None
    assert not state.refused.any()


@pytest.mark.parametrize("accept", [(0.0,), (), (0.5, 0.5), (np.nan,)])
def test_shares_that_mean_nothing_are_refused(accept: tuple[float, ...]) -> None:
    with pytest.raises(InputError):
        VoteCascade((0, 1), accept)
