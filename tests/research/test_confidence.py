"""Cascades on what answers say of themselves: thresholds over the full range of raw scores."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.research.confidence import confidence_cascades, on_confidence, token_confidence, vote_share
from penstock.answers.features import ANSWER_FEATURES, AnswerFeatures
from penstock.belief import OwnAnswerBelief
from penstock.errors import InputError
from penstock.policies.cascade import ThresholdCascade
from penstock.router.replay import replay
from penstock.types import FloatArray
from tests.policies.evidence import evidence_of

N = 400
QUALITY, COST = np.array([0.4, 0.6, 0.8]), np.array([1.0, 3.0, 10.0])


def world(seed: int = 0) -> tuple[OwnAnswerBelief, FloatArray, FloatArray]:
    """Answers whose raw scores (on no scale of quality) tell whether they are right."""
    rng = np.random.default_rng(seed)
    quality = (rng.random((N, 3)) < QUALITY).astype(float)
    score = 50.0 + 20.0 * quality + 10.0 * rng.normal(size=(N, 3))
    cost = np.tile(COST, (N, 1))
    return (
        OwnAnswerBelief(np.tile(QUALITY, (N, 1)), np.tile(QUALITY, (N, 1)), cost, rng.random(N)),
        quality,
        score,
    )


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
    seen = evidence_of(on_confidence(beliefs, score), QUALITY, COST)
    policies = [p for p in ThresholdCascade.search_space(seen) if len(p.spec()["chain"]) == 3]
    assert policies
    for policy in policies:
        assert replay(policy, on_confidence(beliefs, score), quality, beliefs.cost).cost.mean() == 1.0


@pytest.mark.parametrize("missing", [np.full((N, 3), np.nan), np.zeros((N, 2))])
def test_confidence_that_does_not_fit(missing: FloatArray) -> None:
    with pytest.raises(InputError, match="one number per query and candidate"):
        confidence_cascades(missing, QUALITY, COST)


def observations(logprob: float, *, known: bool = True) -> AnswerFeatures:
    found = np.zeros((2, 1, len(ANSWER_FEATURES)))
    if known:
        found[:, :, ANSWER_FEATURES.index("has_logprobs")] = 1.0
        found[:, :, ANSWER_FEATURES.index("mean_logprob")] = logprob
    return AnswerFeatures(found, np.array([[True], [False]]))


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
