"""How far own signs are believed beside agreement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.core.agreement import NONE, AgreementParams, Evidence
from penstock.estimators.agreement.feature_weight import feature_weight
from penstock.estimators.agreement.model import log_ratios
from penstock.types import FloatArray

N, K = 500, 3
RNG = np.random.default_rng(0)
LAWS = AgreementParams(np.zeros((1, K, 1)), np.ones((1, 1)), np.full((1, 1), 5.0), np.array([0.01]))


def evidence(sign: FloatArray) -> Evidence:
    return Evidence(np.zeros((N, K)), np.full((N, K), NONE), sign, np.zeros(N, dtype=np.int64))


@pytest.mark.parametrize(("truth", "found"), [(1.0, (0.8, 1.0)), (0.4, (0.2, 0.6)), (0.0, (0.0, 0.2))])
def test_signs_get_the_weight_they_deserve(truth: float, found: tuple[float, float]) -> None:
    """Right with log odds ``truth`` times the sign: that is the weight, or next to it."""
    sign = RNG.normal(0.0, 2.0, (N, K))
    right = (RNG.random((N, K)) < 1 / (1 + np.exp(-truth * sign))).astype(float)
    weight = feature_weight(LAWS, evidence(sign), right, np.ones((N, K), dtype=bool), seed=0)
    assert found[0] <= weight <= found[1]


def test_a_sign_that_every_answer_carries_counts_less() -> None:
    """Hard questions show in all three answers: the same news three times."""
    shared = np.repeat(RNG.normal(0.0, 1.5, (N, 1)), K, axis=1)
    hard = np.concatenate([np.full((1, K, 1), 1.5), np.full((1, K, 1), -1.5)], axis=2)
    params = replace(LAWS, level=hard, weight=np.full((1, 2), 0.5), wrong=np.full((1, 2), 5.0))
    chance = 1 / (1 + np.exp(-shared[:, :1]))
    easy = RNG.random((N, 1)) < chance
    right = (RNG.random((N, K)) < np.where(easy, 0.82, 0.18)).astype(float)
    everything = np.ones((N, K), dtype=bool)
    assert feature_weight(params, evidence(2 * shared), right, everything, seed=0) <= 0.6


def test_signs_that_say_nothing_and_cells_nobody_scored_change_nothing() -> None:
    right = np.full((N, K), np.nan)
    assert (
        feature_weight(LAWS, evidence(np.zeros((N, K))), right, np.zeros((N, K), dtype=bool), seed=0) == 1.0
    )
    sign = RNG.normal(0.0, 2.0, (N, K))
    right = (RNG.random((N, K)) < 1 / (1 + np.exp(-sign))).astype(float)
    observed = RNG.random((N, K)) < 0.7
    silent = np.where(RNG.random((N, K)) < 0.1, -np.inf, sign)
    weight = feature_weight(LAWS, evidence(silent), np.where(observed, right, np.nan), observed, seed=0)
    assert weight >= 0.8


def test_a_weight_scales_what_own_answers_add() -> None:
    before, after = np.full((1, 2), 0.5), np.array([[0.9, 0.2]])
    answered = np.array([[True, False]])
    full, half = log_ratios(before, after, answered), log_ratios(before, after, answered, 0.5)
    assert half[0, 0] == pytest.approx(full[0, 0] / 2)
    assert half[0, 1] == full[0, 1] == -np.inf
