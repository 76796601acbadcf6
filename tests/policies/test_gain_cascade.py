"""Deferral by estimated gain, and its sign (De Koninck et al. 2025, Corollary 1)."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.belief import OwnAnswerBelief
from penstock.errors import InputError
from penstock.fitting.settings import FitSettings
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.gain_cascade import GainCascade
from penstock.router.replay import replay

from .evidence import evidence_of

RNG = np.random.default_rng(0)
N = 200


def test_it_goes_on_where_the_next_one_gains_much() -> None:
    ex_ante = np.array([[0.5, 0.9], [0.5, 0.6], [0.5, 0.9]])
    post_hoc = np.array([[0.2, 0.9], [0.5, 0.6], [0.8, 0.9]])
    done = replay(
        GainCascade((0, 1), (0.3,)),
        OwnAnswerBelief(ex_ante, post_hoc, np.ones((3, 2)), np.zeros(3)),
        post_hoc,
        np.ones((3, 2)),
    )
    assert done.accepted.tolist() == [1, 0, 0], "gains of 0.7, 0.1 and 0.1"


def test_a_gain_at_the_threshold_is_not_paid_for() -> None:
    quality = np.array([[0.25, 0.75]])
    belief = OwnAnswerBelief(quality, quality, np.ones((1, 2)), np.zeros(1))
    assert replay(GainCascade((0, 1), (0.5,)), belief, quality, np.ones((1, 2))).accepted.tolist() == [0]
    assert replay(GainCascade((0, 1), (0.49,)), belief, quality, np.ones((1, 2))).accepted.tolist() == [1]


@pytest.mark.parametrize("k", [2, 4])
def test_where_the_next_one_is_worth_the_same_everywhere_it_is_a_threshold_cascade(k: int) -> None:
    """With a constant eta_h2 the difference is a threshold on eta_h1."""
    mean, post_hoc = RNG.random(k), RNG.random((N, k))
    belief = OwnAnswerBelief(np.tile(mean, (N, 1)), post_hoc, RNG.random((N, k)), RNG.random(N))
    gains = tuple(RNG.uniform(-0.3, 0.3, k - 1).tolist())
    thresholds = tuple(float(mean[j + 1] - gains[j]) for j in range(k - 1))
    chain = tuple(range(k))
    by_gain = replay(GainCascade(chain, gains), belief, post_hoc, belief.cost)
    by_level = replay(ThresholdCascade(chain, thresholds), belief, post_hoc, belief.cost)
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
    belief = OwnAnswerBelief(quality, quality, np.ones((N, 2)), np.zeros(N))
    by_gain = replay(GainCascade((0, 1), (0.2,)), belief, quality, np.ones((N, 2)))
    by_level = replay(ThresholdCascade((0, 1), (0.6,)), belief, quality, np.ones((N, 2)))
    assert by_gain.quality.mean() == pytest.approx(by_level.quality.mean())
    assert by_gain.cost.mean() < by_level.cost.mean() - 0.3


def test_cascades_that_make_no_sense() -> None:
    for chain, thresholds in (((), ()), ((0, 1), ()), ((0, 0), (0.1,)), ((0, 1), (float("nan"),))):
        with pytest.raises(InputError):
            GainCascade(chain, thresholds)


def test_what_is_tried_reaches_from_no_call_more_to_all_of_them() -> None:
    mean, cost = np.array([0.4, 0.6, 0.8]), np.array([1.0, 3.0, 10.0])
    rng = np.random.default_rng(0)
    quality = (rng.random((400, 3)) < mean).astype(float)
    score = 50.0 + 20.0 * quality + 10.0 * rng.normal(size=(400, 3))
    ex_ante, costs = np.tile(mean, (400, 1)), np.tile(cost, (400, 1))
    belief = OwnAnswerBelief(ex_ante, 0.5 + 0.4 * np.tanh((score - 60) / 10), costs, np.zeros(400))
    policies = GainCascade.search_space(evidence_of(belief, quality.mean(axis=0), cost))
    assert all(isinstance(p, GainCascade) for p in policies)
    spent = [replay(p, belief, quality, costs).cost.mean() for p in policies]
    assert min(spent) == 1.0
    assert max(spent) == 13.0, "both members of the dearest pair, always"
    blind = OwnAnswerBelief(ex_ante, ex_ante, costs, np.zeros(400))
    assert GainCascade.search_space(evidence_of(blind, mean, cost)) == [], "answers that tell nothing"
    assert FitSettings.policy("gain_cascade") is GainCascade
