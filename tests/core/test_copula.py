"""The Markov-copula model of a cascade's confidences, and thresholds tuned on it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from penstock.belief import OwnAnswerBelief
from penstock.core.copula import ChainModel, fit_chain, gumbel, kendall_tau
from penstock.errors import InputError
from penstock.policies.cascade import ThresholdCascade
from penstock.router.replay import replay
from penstock.types import FloatArray

from .confidences import gumbel_pairs, world

COST = np.array([1.0, 3.0, 10.0])


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.7])
def test_the_copula_is_gumbels(tau: float) -> None:
    pairs = gumbel_pairs(20_000, tau, 1)
    assert kendall_tau(*pairs.T) == pytest.approx(tau, abs=0.02)
    for u, v in product((0.1, 0.5, 0.9), repeat=2):
        share = ((pairs[:, 0] <= u) & (pairs[:, 1] <= v)).mean()
        assert float(gumbel(np.array(u), np.array(v), tau)) == pytest.approx(share, abs=0.015)
    ends = np.array([0.0, 1e-300, 1.0])
    assert gumbel(ends, np.array([0.3, 0.3, 0.3]), tau)[[0, 2]].tolist() == pytest.approx([0.0, 0.3])


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.7])
def test_what_the_model_draws_has_the_tau_it_was_fitted_on(tau: float) -> None:
    model = fit_chain(gumbel_pairs(3000, tau, 2), np.array([1.0, 2.0]))
    drawn = model.sample(8000, 3)
    assert model.tau[0] == pytest.approx(tau, abs=0.03)
    assert kendall_tau(*drawn.T) == pytest.approx(tau, abs=0.04)


def test_expected_quality_and_cost_are_those_of_the_models_own_draws() -> None:
    model = fit_chain(world(800, 5)[0], COST)
    drawn = model.sample(60_000, 6)
    cost = np.tile(COST, (len(drawn), 1))
    beliefs = OwnAnswerBelief(np.zeros_like(drawn), drawn, cost, np.zeros(len(drawn)))
    cuts = [model.tuned(lam) for lam in (0.0, 0.01, 0.05)] + [(0, 0), (len(model.levels[0].value), 40)]
    for cut in cuts:
        done = replay(ThresholdCascade((0, 1, 2), model.thresholds(cut)), beliefs, drawn, cost)
        quality, spent = model.expected(cut)
        assert done.quality.mean() == pytest.approx(quality, abs=4 * done.quality.std() / len(drawn) ** 0.5)
        assert done.cost.mean() == pytest.approx(spent, abs=4 * done.cost.std() / len(drawn) ** 0.5 + 1e-9)


@pytest.mark.parametrize("lam", [0.0, 0.005, 0.02, 0.05, 0.2])
def test_one_threshold_at_a_time_finds_the_best_of_all(lam: float) -> None:
    model = fit_chain(world(500, 7)[0], COST, cells=12)
    sizes = [range(len(levels.value) + 1) for levels in model.levels[:-1]]

    def worth(cut: tuple[int, ...]) -> float:
        quality, cost = model.expected(cut)
        return quality - lam * cost

    assert worth(model.tuned(lam)) == pytest.approx(max(worth(cut) for cut in product(*sizes)), abs=1e-9)


def means(thresholds: tuple[float, ...], rows: FloatArray) -> FloatArray:
    """Quality and cost of a cascade over three columns of confidences that are right."""
    cost = np.tile(COST, (len(rows), 1))
    beliefs = OwnAnswerBelief(np.zeros_like(rows), rows, cost, np.zeros(len(rows)))
    done = replay(ThresholdCascade((0, 1, 2), thresholds), beliefs, rows, cost)
    return np.array([done.quality.mean(), done.cost.mean()])


def test_on_data_of_the_model_tuned_thresholds_are_near_the_best_of_a_grid() -> None:
    truth = fit_chain(world(3000, 8)[0], COST)
    many = truth.sample(8000, 10)
    grid = np.array([means(pair, many) for pair in product(np.linspace(0.0, 1.01, 17), repeat=2)])
    for rows, loss in ((1500, 0.003), (30, 0.03)):
        model = fit_chain(truth.sample(rows, 9), COST)
        for lam in (0.005, 0.02, 0.05):
            price = np.array([1.0, -lam])
            found = means(model.thresholds(model.tuned(lam)), many) @ price
            assert found >= (grid @ price).max() - loss


def test_input_that_is_no_chain() -> None:
    for confidence in (np.zeros((5, 2)), np.zeros(5), np.zeros((0, 3))):
        with pytest.raises(InputError, match="confidence"):
            fit_chain(confidence, COST)
    with pytest.raises(InputError, match="finite"):
        fit_chain(np.full((4, 3), np.nan), COST)


def test_members_that_never_move_are_no_trouble() -> None:
    model = fit_chain(np.tile([0.4, 0.6, 0.9], (10, 1)), COST)
    assert isinstance(model, ChainModel)
    quality, cost = model.expected(model.tuned(0.0))
    assert (quality, cost) == pytest.approx((0.9, 14.0))
    assert model.expected(model.tuned(1.0)) == pytest.approx((0.4, 1.0))
