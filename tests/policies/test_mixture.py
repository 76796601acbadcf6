"""Mixtures: one draw per query, gamma the cheap branch's probability (De Koninck et al. 2025, Theorem 1)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from penstock.belief import OwnAnswerBelief
from penstock.core.routing import solve_budget
from penstock.errors import InputError
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.fixed import Fixed
from penstock.policies.mixture import Mixture, mixture_of
from penstock.policies.routing import Routing
from penstock.router.replay import replay
from penstock.state import draw_of
from penstock.types import FloatArray

N = 20_000


def draws(seed: int, n: int = N) -> FloatArray:
    return np.array([draw_of(f"query-{i}", seed) for i in range(n)])


def test_draws_are_uniform_and_stable() -> None:
    found = draws(0)
    assert ((found >= 0) & (found < 1)).all()
    counts = np.histogram(found, bins=10, range=(0, 1))[0]
    assert (counts > binom.ppf(1e-5, N, 0.1)).all()
    assert (counts < binom.ppf(1 - 1e-5, N, 0.1)).all()
    assert np.array_equal(found, draws(0))
    assert abs(np.corrcoef(found, draws(1))[0, 1]) < 0.03


@pytest.mark.parametrize("gamma", [0.2, 0.75])
def test_a_mixed_multi_step_strategy_costs_what_was_promised(gamma: float) -> None:
    """The mixture realises gamma * B- + (1 - gamma) * B+, and not the inverse."""
    rng = np.random.default_rng(0)
    post_hoc, quality = rng.random((N, 3)), rng.random((N, 3))
    cost = np.tile([1.0, 3.0, 20.0], (N, 1))
    belief = OwnAnswerBelief(np.full((N, 3), 0.5), post_hoc, cost, draws(3))
    cheap, expensive = ThresholdCascade((0, 1), (0.3,)), ThresholdCascade((0, 1, 2), (0.8, 0.8))
    minus, plus, mixed = (
        replay(p, belief, quality, cost) for p in (cheap, expensive, Mixture(cheap, expensive, gamma))
    )
    expected = gamma * minus.cost.mean() + (1 - gamma) * plus.cost.mean()
    error = 4 * np.hypot(minus.cost.std(), plus.cost.std()) / np.sqrt(N)
    error += 4 * (plus.cost.mean() - minus.cost.mean()) * np.sqrt(gamma * (1 - gamma) / N)
    assert mixed.cost.mean() == pytest.approx(expected, abs=error)
    inverted = (1 - gamma) * minus.cost.mean() + gamma * plus.cost.mean()
    assert abs(mixed.cost.mean() - inverted) > 3 * error
    follows = np.where(belief.draw < gamma, minus.cost, plus.cost)
    assert np.array_equal(mixed.cost, follows), "every query follows one branch from beginning to end"


def test_the_solver_s_mixture_meets_a_budget_off_the_midpoint() -> None:
    quality, cost = np.tile([0.0, 1.0], (N, 1)), np.tile([1.0, 3.0], (N, 1))
    found = solve_budget(quality, cost, 1.4)
    policy = Mixture(Routing(found.lam), Routing(found.lam, prefer_expensive=True), found.gamma)
    spent = replay(policy, OwnAnswerBelief(quality, quality, cost, draws(1)), quality, cost).cost
    cheap = binom.ppf([1e-6, 1 - 1e-6], N, 0.8)
    assert cheap[0] <= (spent == 1.0).sum() <= cheap[1]


def test_a_branch_never_taken_is_no_mixture() -> None:
    assert mixture_of(Fixed(0), Fixed(1), 1.0) == Fixed(0)
    assert mixture_of(Fixed(0), Fixed(1), 0.0) == Fixed(1)
    assert mixture_of(Fixed(1), Fixed(1), 0.5) == Fixed(1)
    assert mixture_of(Fixed(0), Fixed(1), 0.5) == Mixture(Fixed(0), Fixed(1), 0.5)


def test_mixtures_that_make_no_sense() -> None:
    with pytest.raises(InputError, match="none of them a mixture"):
        Mixture(Mixture(Fixed(0), Fixed(1), 0.5), Fixed(2), 0.5)
    for gamma in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            Mixture(Fixed(0), Fixed(1), gamma)


@pytest.mark.parametrize("lam", [-1.0, float("inf"), float("nan")])
def test_a_price_is_a_finite_number(lam: float) -> None:
    with pytest.raises(InputError, match="lambda"):
        Routing(lam)
