"""Threshold cascades tuned on a model of their confidences: the settings that are tried."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.belief import OwnAnswerBelief
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.copula_cascade import CopulaCascade
from penstock.router.replay import replay
from tests.core.confidences import world

from .evidence import evidence_of

COST = np.array([1.0, 3.0, 10.0])


def test_the_family_is_as_good_as_the_cascades_tuned_by_replay_and_reaches_both_ends() -> None:
    rows, right = world(1500, 11)
    cost = np.tile(COST, (len(rows), 1))
    beliefs = OwnAnswerBelief(np.tile(rows.mean(axis=0), (len(rows), 1)), rows, cost, np.zeros(len(rows)))
    curves = {}
    kinds = {"cascade": ThresholdCascade, "copula_cascade": CopulaCascade}
    for name, kind in kinds.items():
        policies = kind.search_space(evidence_of(beliefs, right.mean(axis=0), COST))
        assert all(isinstance(p, kind) for p in policies)
        done = [replay(p, beliefs, right, cost) for p in policies]
        curves[name] = [(d.cost.mean(), d.quality.mean()) for d in done]
    for budget in (3.0, 6.0, 9.0):
        best = {name: max(q for c, q in curve if c <= budget) for name, curve in curves.items()}
        assert best["copula_cascade"] >= best["cascade"] - 0.02
    assert min(c for c, _ in curves["copula_cascade"]) == pytest.approx(1.0, abs=0.3)
    same = OwnAnswerBelief(rows, rows, cost, np.zeros(len(rows)))
    assert CopulaCascade.search_space(evidence_of(same, right.mean(axis=0), COST)) == []
