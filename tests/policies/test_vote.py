"""SATER's cascade mode as a policy: by hand, and as a threshold cascade."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.belief import OwnAnswerBelief
from penstock.core.votes import accepts, count_votes, levels
from penstock.errors import InputError
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.vote import VoteCascade
from penstock.router.replay import replay

from .evidence import evidence_of
from .modes import belief_of, modes
from .refusing import BELIEF, COST, REFUSED, RNG, SHARE, N, ran


def test_a_vote_goes_on_below_its_share() -> None:
    found = ran(VoteCascade((0, 2), (0.7,)))
    stays = ~REFUSED[:, 0] & (SHARE[:, 0] >= 0.7)
    assert np.array_equal(found.accepted, np.where(stays, 0, 2))


def test_it_is_the_threshold_cascade_on_the_share_as_post_hoc_estimate() -> None:
    """Papers D."""
    told = OwnAnswerBelief(BELIEF.ex_ante, np.where(REFUSED, 0.0, np.nan_to_num(SHARE)), COST, np.zeros(N))
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
        belief = OwnAnswerBelief(half, half, np.ones((N, 2)), np.zeros(N), None, refused, share)
        found = replay(VoteCascade((0, 1), (tau,)), belief, half, np.ones((N, 2)))
        assert np.array_equal(found.accepted == 0, accepts(votes, tau))


def test_an_answer_that_says_nothing_of_itself_is_held_against_its_estimate() -> None:
    silent = replace(BELIEF, confidence=np.full((N, 3), np.nan))
    found = ran(VoteCascade((0, 2), (0.7,)), silent)
    assert np.array_equal(found.accepted == 0, ~REFUSED[:, 0])


@pytest.mark.parametrize("accept", [(0.0,), (), (0.5, 0.5), (np.nan,)])
def test_shares_that_mean_nothing_are_refused(accept: tuple[float, ...]) -> None:
    with pytest.raises(InputError):
        VoteCascade((0, 1), accept)


def test_what_is_tried_starts_with_who_says_how_sure_it_is() -> None:
    table = modes(0)
    seen = evidence_of(belief_of(table), table.quality.mean(axis=0), table.cost.mean(axis=0))
    votes = [policy for policy in VoteCascade.search_space(seen) if isinstance(policy, VoteCascade)]
    assert {policy.chain for policy in votes} == {(1, 2)}
    assert {policy.accept[0] for policy in votes} == {t / 10 for t in range(1, 11)}
    assert VoteCascade.search_space(replace(seen, confidence=None)) == []
    assert VoteCascade.search_space(replace(seen, confidence=np.full((N, 3), np.nan))) == []
