"""Prices per step of a chosen frontier: adopted only where rows that were not searched on say so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from penstock.belief import OwnAnswerBelief
from penstock.codec import take
from penstock.estimators.post_hoc.base import BeliefPart, whole
from penstock.fitting.fit import fit_matrix
from penstock.fitting.refine_steps import refine_steps
from penstock.fitting.result import Option
from penstock.fitting.settings import FitSettings
from penstock.fitting.sweep import sweep
from penstock.fitting.training_data import TrainingData
from penstock.policies.base import Policy
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.fixed import Fixed
from penstock.policies.index import Index
from penstock.router.frontier import Frontier
from penstock.testing.tables import tiny_matrix
from penstock.types import FloatArray, IntArray

N = 800
SINGLE = CascadeRouting((0.08,), max_depth=3, draws=32)
"""At one price: where the first answer is bad the second is bought too, though it is the same again."""


class World:
    """The second candidate answers as the first does and is not known to; the third is dear and good. Queries
    stand and fall together by ``cluster``."""

    def __init__(self, cluster: IntArray) -> None:
        rng = np.random.default_rng(3)
        first, third = rng.random(N) < 0.5, rng.random(N) < 0.9
        self.quality: FloatArray = np.stack([first, first, third], axis=1).astype(float)
        self.cost = np.stack([np.ones(N), np.full(N, 3.0), 10 * rng.uniform(0.5, 1.5, N)], axis=1)
        ex_ante = np.tile([0.5, 0.6, 0.9], (N, 1))
        post_hoc = 0.1 * ex_ante + 0.9 * self.quality
        self.belief = OwnAnswerBelief(ex_ante, post_hoc, self.cost, np.zeros(N), np.full((N, 3), 0.45))
        self.cluster = cluster

    @property
    def data(self) -> TrainingData:
        known = {"tuned_drawn": lambda draw: self.quality, "tuned_cost": self.cost, "best": 2}
        return cast(TrainingData, SimpleNamespace(**known, cluster=self.cluster))

    @property
    def mixture(self) -> Frontier:
        points = self.option(Fixed(0), Fixed(1), Fixed(2)).vertices.points()
        return Frontier(points, points[-1])

    def option(self, *policies: Policy) -> Option:
        vertices = sweep(policies, whole(self.belief, N), self.quality, self.cost, 2)
        nothing = cast(Any, None)
        return Option("cascade_routing/x", nothing, nothing, nothing, 1, 1, 0.5, {}, vertices)

    def refined(self, *policies: Policy, trials: int = 100, **parts: Any) -> tuple[Option, int]:
        beliefs = parts.get("beliefs", whole(self.belief, N))
        return refine_steps(self.option(*policies), beliefs, self.data, self.mixture, trials=trials, seed=0)


def test_better_prices_are_adopted_and_cost_no_more() -> None:
    world = World(np.arange(N))
    found, changed = world.refined(Fixed(0), SINGLE)
    assert changed == 1
    old, new = world.option(Fixed(0), SINGLE).vertices.point(1), found.frontier.points[-1]
    assert isinstance(new.policy, CascadeRouting)
    assert len(new.policy.lams) > 1
    assert new.quality > old.quality + 0.02
    assert new.cost <= old.cost * 1.03, "at no more cost on the half it was not searched on"
    assert found.frontier.points == found.vertices.points()
    assert found.frontier.best_fixed == world.mixture.best_fixed


def test_two_questions_are_no_evidence() -> None:
    """Two questions, one half each: nothing can be said of how sure the difference is."""
    world = World(np.arange(N) % 2)
    option = world.option(Fixed(0), SINGLE)
    found, changed = world.refined(Fixed(0), SINGLE)
    assert changed == 0
    assert found.vertices.policies == option.vertices.policies


@pytest.mark.parametrize("policies", [(Fixed(0), Fixed(2)), (Index(0.05), Index(0.01))])
def test_other_policies_are_left_alone(policies: tuple[Policy, ...]) -> None:
    found, changed = World(np.arange(N)).refined(*policies)
    assert changed == 0
    assert found.vertices.policies == policies


def test_beliefs_in_several_parts_are_left_alone() -> None:
    world = World(np.arange(N))
    halves = [np.arange(N // 2), np.arange(N // 2, N)]
    parts = [BeliefPart(rows, take(world.belief, rows)) for rows in halves]
    assert world.refined(SINGLE, beliefs=parts)[1] == 0


def test_a_fit_says_how_many_points_changed() -> None:
    settings = FitSettings(("ridge",), ("cascade_routing",), directions=8, step_trials=3)
    fit = fit_matrix(tiny_matrix(120, seed=1), settings)
    assert fit.chosen == "cascade_routing/ridge", fit.why
    points = len(fit.option.frontier.points)
    assert any(f"of {points} points of {fit.chosen}" in note for note in fit.notes), fit.notes
    costs = [p.cost for p in fit.option.frontier.points]
    assert costs == sorted(costs)
