"""The threshold cascade against the general cascade it is a case of (De Koninck et al. 2025, Corollary 1)."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.belief import OwnAnswerBelief
from penstock.errors import InputError
from penstock.policies.cascade import ThresholdCascade, thresholds_for
from penstock.router.replay import replay
from penstock.state import State
from penstock.types import BoolArray, FloatArray


def optimal_cascade(
    post_hoc: np.ndarray, mean_quality: np.ndarray, mean_cost: np.ndarray, lam: float
) -> np.ndarray:
    """How many members Theorem 2's cascade runs on each query under C3's conditions.

    At step j it chooses among M_{1:j-1}, M_{1:j}, ..., M_{1:k}, a supermodel being worth what its last member
    is: the answer at hand, or the mean of a member not yet run. Ties go to the cheapest.
    """
    n, k = post_hoc.shape
    runs = np.ones(n, dtype=int)
    for row in range(n):
        for j in range(1, k):
            stop = post_hoc[row, j - 1] - lam * mean_cost[:j].sum()
            go_on = max(mean_quality[i] - lam * mean_cost[: i + 1].sum() for i in range(j, k))
            if stop >= go_on:
                break
            runs[row] = j + 1
    return runs


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("lam", [0.0, 0.05, 0.3, 2.0])
def test_under_its_conditions_the_optimal_cascade_is_a_threshold_cascade(k: int, lam: float) -> None:
    rng = np.random.default_rng(k)
    n = 300
    post_hoc = rng.random((n, k))
    mean_quality, mean_cost = rng.uniform(0.3, 0.9, k), rng.uniform(0.1, 1.0, k)
    policy = ThresholdCascade(tuple(range(k)), thresholds_for(lam, mean_quality, mean_cost))
    belief = OwnAnswerBelief(np.tile(mean_quality, (n, 1)), post_hoc, np.tile(mean_cost, (n, 1)), np.zeros(n))
    done = replay(policy, belief, post_hoc, belief.cost)
    expected = optimal_cascade(post_hoc, mean_quality, mean_cost, lam)
    assert done.executed.sum(axis=1).tolist() == expected.tolist()
    assert done.accepted.tolist() == (expected - 1).tolist()
    if lam == 0.05:
        assert len(set(expected.tolist())) > 1, "all decisions are the same: this shows nothing"


def test_an_answer_at_the_threshold_is_kept() -> None:
    """ "Below" is the cheap branch of a tie (docs/references.md, correction 3)."""
    assert thresholds_for(0.5, np.array([0.25, 0.75]), np.array([0.5, 0.5])) == (0.5,)
    post_hoc = np.array([[0.5, 0.9], [0.4999, 0.9]])
    belief = OwnAnswerBelief(np.full((2, 2), 0.5), post_hoc, np.ones((2, 2)), np.zeros(2))
    done = replay(ThresholdCascade((0, 1), (0.5,)), belief, post_hoc, np.ones((2, 2)))
    assert done.accepted.tolist() == [0, 1]


def test_cost_is_of_everything_that_ran_and_quality_of_the_last() -> None:
    quality, cost = np.array([[0.9, 0.2, 0.6]]), np.array([[1.0, 10.0, 100.0]])
    belief = OwnAnswerBelief(quality, quality, cost, np.zeros(1))
    done = replay(ThresholdCascade((0, 1, 2), (2.0, 0.1)), belief, quality, cost)
    assert (done.cost[0], done.quality[0]) == (11.0, 0.2)
    assert done.executed.tolist() == [[True, True, False]]


def after_the_first(quality: FloatArray, *, eligible: BoolArray) -> State:
    """One query whose first candidate has answered."""
    state = State.new(quality, np.ones(quality.shape), np.zeros(1), eligible=eligible)
    state.executed[:, 0] = True
    return state


def test_members_that_may_not_be_called_are_skipped() -> None:
    policy = ThresholdCascade((0, 1, 2), (0.5, 0.5))
    state = after_the_first(np.array([[0.1, 0.9, 0.2]]), eligible=np.array([[True, False, True]]))
    assert policy.step(state).call.tolist() == [2]
    assert policy.final_call(state, 2)
    assert not policy.final_call(state, 0)


def test_when_nothing_is_left_to_run_the_last_answer_stands() -> None:
    state = after_the_first(np.array([[0.1, 0.9]]), eligible=np.array([[True, False]]))
    step = ThresholdCascade((0, 1), (0.5,)).step(state)
    assert (step.call.tolist(), step.accept.tolist()) == ([-1], [0])


@pytest.mark.parametrize(
    ("chain", "thresholds", "says"),
    [
        ((), (), "one threshold fewer"),
        ((0, 1), (), "one threshold fewer"),
        ((0, 1), (0.1, 0.2), "one threshold fewer"),
        ((0, 0), (0.5,), "each candidate once"),
        ((0, 1), (float("nan"),), "NaN"),
    ],
)
def test_cascades_that_make_no_sense(
    chain: tuple[int, ...], thresholds: tuple[float, ...], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        ThresholdCascade(chain, thresholds)
