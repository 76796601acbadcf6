"""Families of cascades: their chains, and thresholds over their full range."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.research.confidence import confidence_cascades, on_confidence, token_confidence, vote_share
from penstock.answers.features import SIGNALS, Observations
from penstock.core.cascade_chains import chains, levels
from penstock.errors import InputError
from penstock.fitting.search_spaces import FAMILIES, family
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.gain_cascade import GainCascade
from penstock.router.replay import Beliefs, replay
from penstock.types import FloatArray

N = 400
QUALITY, COST = np.array([0.4, 0.6, 0.8]), np.array([1.0, 3.0, 10.0])


def world(seed: int = 0) -> tuple[Beliefs, FloatArray, FloatArray]:
    """Answers whose raw scores (on no scale of quality) tell whether they are right."""
    rng = np.random.default_rng(seed)
    quality = (rng.random((N, 3)) < QUALITY).astype(float)
    score = 50.0 + 20.0 * quality + 10.0 * rng.normal(size=(N, 3))
    cost = np.tile(COST, (N, 1))
    return Beliefs(np.tile(QUALITY, (N, 1)), np.tile(QUALITY, (N, 1)), cost, rng.random(N)), quality, score


def test_chains_are_of_the_hull() -> None:
    assert chains(QUALITY, COST) == [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    assert chains(np.array([0.4, 0.3, 0.8]), COST) == [(0, 2)]
    assert chains(np.array([0.9, 0.3, 0.8]), COST) == []
    many = np.linspace(0.1, 0.9, 12)
    assert len({c for chain in chains(np.sqrt(many), many) for c in chain}) == 5


def test_levels_reach_from_everything_kept_to_nothing_kept() -> None:
    values = np.array([0.2, 0.2, 0.5, 0.9])
    found = levels(values, 5)
    assert (values >= found[0]).all()
    assert not (values >= found[-1]).any()
    assert (np.diff(found) > 0).all()
    assert len(levels(np.zeros(4), 9)) == 2


def test_a_cascade_on_raw_scores_beats_the_mix_and_reaches_both_ends() -> None:
    beliefs, quality, score = world()
    policies = confidence_cascades(score, quality.mean(axis=0), COST)
    assert all(isinstance(p, ThresholdCascade) for p in policies)
    done = [replay(p, on_confidence(beliefs, score), quality, beliefs.cost) for p in policies]
    cost, got = (np.array([getattr(d, field).mean() for d in done]) for field in ("cost", "quality"))
    assert cost.min() == pytest.approx(1.0), "never deferring"
    assert cost.max() == pytest.approx(14.0), "always deferring, through the whole chain"
    mix = np.interp(cost, COST, quality.mean(axis=0))
    assert (got - mix).max() > 0.05


def test_without_the_full_range_a_raw_score_is_no_use() -> None:
    """Thresholds of C3 are on the scale of quality: no score of about 50 is ever below one."""
    beliefs, quality, score = world()
    policies = [
        p
        for p in family("cascade")(on_confidence(beliefs, score), QUALITY, COST)
        if len(p.spec()["chain"]) == 3
    ]
    assert policies
    for policy in policies:
        assert replay(policy, on_confidence(beliefs, score), quality, beliefs.cost).cost.mean() == 1.0


@pytest.mark.parametrize("missing", [np.full((N, 3), np.nan), np.zeros((N, 2))])
def test_confidence_that_does_not_fit(missing: FloatArray) -> None:
    with pytest.raises(InputError, match="one number per query and candidate"):
        confidence_cascades(missing, QUALITY, COST)


def observations(logprob: float, *, known: bool = True) -> Observations:
    found = np.zeros((2, 1, len(SIGNALS)))
    if known:
        found[:, :, SIGNALS.index("has_logprobs")] = 1.0
        found[:, :, SIGNALS.index("mean_logprob")] = logprob
    return Observations(found, np.array([[True], [False]]))


def test_token_confidence_is_the_geometric_mean_probability() -> None:
    assert token_confidence(observations(np.log(0.25))).tolist() == [[0.25], [0.0]]
    with pytest.raises(InputError, match="no token log-probabilities"):
        token_confidence(observations(0.0, known=False))


def test_vote_share_counts_who_ran_before() -> None:
    code = np.array([[0, 0, 1], [0, 1, 0], [0, 1, 2], [-1, -1, 0]])
    shares = vote_share(code, (0, 1, 2))
    expected = [[1, 1, 1 / 3], [1, 0.5, 2 / 3], [1, 0.5, 1 / 3], [0, 0, 1 / 3]]
    assert np.allclose(shares, expected)
    assert vote_share(code, (2, 0))[:, 1].tolist() == [0.0] * 4


def test_deferral_by_gain_is_a_family_of_its_own() -> None:
    beliefs, quality, score = world()
    right = 0.5 + 0.4 * np.tanh((score - 60) / 10)
    learned = Beliefs(beliefs.ex_ante, right, beliefs.cost, beliefs.draw)
    policies = family("gain_cascade")(learned, quality.mean(axis=0), COST)
    assert all(isinstance(p, GainCascade) for p in policies)
    cost = [replay(p, learned, quality, beliefs.cost).cost.mean() for p in policies]
    assert min(cost) == 1.0
    assert max(cost) == 13.0, "both members of the dearest pair, always"
    assert family("gain_cascade")(beliefs, quality.mean(axis=0), COST) == [], "answers that tell nothing"
    assert "gain_cascade" in FAMILIES
