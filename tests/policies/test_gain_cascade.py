"""Deferral by estimated gain, and its sign (papers.md C3)."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.gain_cascade import GainCascade
from penstock.router.replay import Beliefs, replay

RNG = np.random.default_rng(0)
N = 200


def test_it_goes_on_where_the_next_one_gains_much() -> None:
    ex_ante = np.array([[0.5, 0.9], [0.5, 0.6], [0.5, 0.9]])
    post_hoc = np.array([[0.2, 0.9], [0.5, 0.6], [0.8, 0.9]])
    done = replay(
        GainCascade((0, 1), (0.3,)),
        Beliefs(ex_ante, post_hoc, np.ones((3, 2)), np.zeros(3)),
        post_hoc,
        np.ones((3, 2)),
    )
    assert done.accepted.tolist() == [1, 0, 0], "gains of 0.7, 0.1 and 0.1"


def test_a_gain_at_the_threshold_is_not_paid_for() -> None:
    quality = np.array([[0.25, 0.75]])
    beliefs = Beliefs(quality, quality, np.ones((1, 2)), np.zeros(1))
    assert replay(GainCascade((0, 1), (0.5,)), beliefs, quality, np.ones((1, 2))).accepted.tolist() == [0]
    assert replay(GainCascade((0, 1), (0.49,)), beliefs, quality, np.ones((1, 2))).accepted.tolist() == [1]


@pytest.mark.parametrize("k", [2, 4])
def test_where_the_next_one_is_worth_the_same_everywhere_it_is_a_threshold_cascade(k: int) -> None:
    """With a constant eta_h2 the difference is a threshold on eta_h1."""
    mean, post_hoc = RNG.random(k), RNG.random((N, k))
    beliefs = Beliefs(np.tile(mean, (N, 1)), post_hoc, RNG.random((N, k)), RNG.random(N))
    gains = tuple(RNG.uniform(-0.3, 0.3, k - 1).tolist())
    thresholds = tuple(float(mean[j + 1] - gains[j]) for j in range(k - 1))
    chain = tuple(range(k))
    by_gain = replay(GainCascade(chain, gains), beliefs, post_hoc, beliefs.cost)
    by_level = replay(ThresholdCascade(chain, thresholds), beliefs, post_hoc, beliefs.cost)
    assert np.array_equal(by_gain.executed, by_level.executed)
    assert np.array_equal(by_gain.accepted, by_level.accepted)
    assert 0 < by_gain.executed[:, 1].mean() < 1


def test_the_sign_matters() -> None:
    """On queries where a hard question is hard for both, the gain is not the distance from 1: deferring where
    the gain is large beats deferring where the answer looks bad."""
    hard = RNG.random((N, 1)) < 0.5
    helped = RNG.random((N, 1)) < 0.5
    first = np.where(hard, 0.1, np.where(helped, 0.5, 0.9))
    second = np.where(hard, 0.1, np.where(helped, 0.95, 0.9))
    quality = np.hstack([first, second])
    beliefs = Beliefs(quality, quality, np.ones((N, 2)), np.zeros(N))
    by_gain = replay(GainCascade((0, 1), (0.2,)), beliefs, quality, np.ones((N, 2)))
    by_level = replay(ThresholdCascade((0, 1), (0.6,)), beliefs, quality, np.ones((N, 2)))
    assert by_gain.quality.mean() == pytest.approx(by_level.quality.mean())
    assert by_gain.cost.mean() < by_level.cost.mean() - 0.3


def test_cascades_that_make_no_sense() -> None:
    for chain, thresholds in (((), ()), ((0, 1), ()), ((0, 0), (0.1,)), ((0, 1), (float("nan"),))):
        with pytest.raises(InputError):
            GainCascade(chain, thresholds)
