"""Votes: counted by hand, stopped exactly, and in tokens."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.vote_clock import parallel_vote, sequential_vote
from penstock.core.votes import (
    NO_VOTE,
    accepts,
    adaptive_stop,
    count_votes,
    decision,
    levels,
    majority,
    needed,
    probability_weights,
    stop_vote,
)
from penstock.errors import InputError
from penstock.types import IntArray

TAUS = st.one_of(
    st.integers(1, 110).map(lambda percent: percent / 100),
    st.floats(1e-6, 1.5, allow_nan=False),
    st.fractions(Fraction(1, 60), Fraction(1), max_denominator=60).map(float),
)


@st.composite
def elections(draw: st.DrawFn) -> tuple[IntArray, IntArray, float]:
    """One query's ballots and weights (ties are frequent: few answers, small weights), and a tau."""
    k = draw(st.integers(1, 10))
    ballots = draw(st.lists(st.integers(NO_VOTE, 3), min_size=k, max_size=k))
    weights = draw(
        st.one_of(
            st.just([1] * k),
            st.just(levels(k).tolist()),
            st.lists(st.integers(1, 10), min_size=k, max_size=k),
        )
    )
    return np.array([ballots]), np.array(weights), draw(TAUS)


def by_hand(ballots: list[int], weights: list[int], tau: float) -> tuple[bool, int]:
    """The full rule written out: smallest code of the heaviest, its share against tau as it prints."""
    tally: Counter[int] = Counter()
    for code, weight in zip(ballots, weights, strict=True):
        if code != NO_VOTE:
            tally[code] += weight
    if not tally:
        return False, NO_VOTE
    top = max(tally.values())
    winner = min(code for code, weight in tally.items() if weight == top)
    accepted = Fraction(top, sum(weights)) >= Fraction(repr(tau))
    return accepted, winner if accepted else NO_VOTE


@settings(max_examples=1500, deadline=None)
@given(elections(), st.randoms(use_true_random=False))
def test_a_stopped_vote_decides_as_the_full_one_whatever_order_samples_come_in(election, random) -> None:
    ballots, weights, tau = election
    wanted = by_hand(ballots[0].tolist(), weights.tolist(), tau)
    order = list(range(ballots.shape[1]))
    random.shuffle(order)
    for most in (None, 10):
        stopped = stop_vote(ballots[:, order], weights[order], tau, most=most)
        assert (bool(stopped.accepted[0]), int(stopped.winner[0])) == wanted
        assert 0 <= stopped.used[0] <= ballots.shape[1]


@settings(max_examples=300, deadline=None)
@given(elections(), st.data())
def test_tokens_and_time_change_with_stopping_and_the_decision_does_not(election, data) -> None:
    ballots, weights, tau = election
    k = ballots.shape[1]
    tokens = np.array([data.draw(st.lists(st.integers(1, 30), min_size=k, max_size=k))])
    wanted = by_hand(ballots[0].tolist(), weights.tolist(), tau)
    for run in (parallel_vote, sequential_vote):
        early, full = (run(ballots, weights, tokens, tau, early=e) for e in (True, False))
        for vote in (early, full):
            assert (bool(vote.accepted[0]), int(vote.winner[0])) == wanted
        assert early.decoded[0] <= full.decoded[0] == tokens.sum()
        assert early.waited[0] <= full.waited[0]


@settings(max_examples=300, deadline=None)
@given(elections())
def test_one_ballot_at_a_time_a_vote_stops_where_the_whole_one_does(election) -> None:
    ballots, weights, tau = election
    stopped = stop_vote(ballots, weights, tau)
    for seen in range(int(stopped.used[0])):
        ahead = int(weights[seen:].sum())
        if seen:
            assert decision(ballots[0, :seen], weights[:seen], ahead, tau) is None
    used = int(stopped.used[0])
    if used:
        ahead = int(weights[used:].sum())
        assert decision(ballots[0, :used], weights[:used], ahead, tau) is bool(stopped.accepted[0])


def test_shares_are_exact_where_floats_are_not() -> None:
    totals = np.array([10, 55, 30])
    assert needed(0.1, totals).tolist() == [1, 6, 3]
    assert needed(0.7, totals).tolist() == [7, 39, 21]
    assert needed(0.3, np.array([10])).tolist() == [3]
    assert needed(1.01, np.array([10])).tolist() == [11]


@pytest.mark.parametrize("tau", [0.0, -0.5, float("nan"), float("inf")])
def test_a_tau_that_means_nothing_is_refused(tau: float) -> None:
    with pytest.raises(InputError, match="tau"):
        needed(tau, np.array([10]))


def test_thresholds_are_spread_over_the_tenths() -> None:
    assert levels(10).tolist() == list(range(1, 11))
    assert levels(5).tolist() == [2, 4, 6, 8, 10]
    assert levels(3).tolist() == [4, 7, 10]
    assert levels(20).tolist() == [t for t in range(1, 11) for _ in range(2)]


def test_refusals_stay_in_the_denominator() -> None:
    votes = count_votes(np.array([[0, 0, NO_VOTE, NO_VOTE, 1], [NO_VOTE] * 5]), np.ones(5, dtype=np.int64))
    assert votes.winner.tolist() == [0, NO_VOTE]
    assert votes.confidence.tolist() == [0.4, 0.0]
    assert accepts(votes, 0.4).tolist() == [True, False]
    assert accepts(votes, 0.41).tolist() == [False, False]


def test_ranged_weights_count_the_threshold() -> None:
    """Papers A2: conf(a) = sum of th_k that voted a / sum of th_k."""
    ballots = np.array([[0] * 6 + [1] * 4])
    votes = count_votes(ballots, levels(10))
    assert votes.winner.tolist() == [1]
    assert votes.confidence.tolist() == [34 / 55]


def test_a_tie_goes_to_the_first_answer_and_all_refused_goes_on() -> None:
    ones = np.ones(4, dtype=np.int64)
    tie = stop_vote(np.array([[0, 1, 1, 0]]), ones, 0.5)
    assert (tie.used[0], tie.accepted[0], tie.winner[0]) == (4, True, 0)
    nobody = stop_vote(np.array([[NO_VOTE] * 4]), ones, 1e-9)
    assert (nobody.accepted[0], nobody.winner[0]) == (False, NO_VOTE)


def test_a_vote_that_cannot_be_won_asks_for_nothing() -> None:
    stopped = stop_vote(np.array([[0, 0]]), np.array([1, 1]), 1.5)
    assert (stopped.used[0], stopped.accepted[0]) == (0, False)


def test_side_by_side_the_longest_needed_sample_is_waited_for_and_cancelled_tokens_are_paid() -> None:
    ballots, tokens = np.array([[0, 0, 0, 1]]), np.array([[5, 7, 6, 40]])
    vote = parallel_vote(ballots, np.ones(4, dtype=np.int64), tokens, 0.75)
    assert (vote.accepted[0], vote.waited[0], vote.decoded[0], vote.used[0]) == (True, 7, 25, 3)
    full = parallel_vote(ballots, np.ones(4, dtype=np.int64), tokens, 0.75, early=False)
    assert (full.waited[0], full.decoded[0]) == (40, 58)
    row = sequential_vote(ballots, np.ones(4, dtype=np.int64), tokens, 0.75)
    assert (row.waited[0], row.decoded[0]) == (18, 18)


def test_weights_from_probabilities() -> None:
    found = probability_weights(np.log([[1.0, 0.75, 0.01], [0.3, 0.999, 0.5]]))
    assert found.tolist() == [[10, 8, 1], [3, 10, 5]]
    assert probability_weights(np.array([np.nan, np.log(0.25)]), temperature=2.0).tolist() == [1, 5]


def test_the_posterior_of_a_majority() -> None:
    """Against the integral of the Beta density by the midpoint rule."""
    for first, second in ((1, 0), (3, 1), (5, 5), (9, 2)):
        p = (np.arange(200_000) + 0.5) / 200_000
        density = p**first * (1 - p) ** second
        assert majority(first, second) == pytest.approx(density[p > 0.5].sum() / density.sum(), abs=1e-6)


def test_adaptive_self_consistency_stops_when_sure() -> None:
    agreeing, split = [0] * 10, [0, 1] * 5
    used = adaptive_stop(np.array([agreeing, split]))
    assert majority(3, 0) < 0.95 <= majority(4, 0)
    assert used.tolist() == [4, 10]


@pytest.mark.parametrize(
    "weights", [np.array([1, 0]), np.array([0.5, 0.5]), np.array([1, 2, 3]), np.array([-1, 1])]
)
def test_weights_that_mean_nothing_are_refused(weights: IntArray) -> None:
    with pytest.raises(InputError, match="weights"):
        count_votes(np.array([[0, 1]]), weights)
