"""Expected costs."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.codec import decode, encode
from penstock.estimators.cost import CostModel, fit_cost
from penstock.estimators.crossfit import cell_weights
from penstock.estimators.features import Inputs

N = 300
FOLD = np.arange(N) % 5


def prompts(n: int = N) -> tuple[Inputs, np.ndarray]:
    """Prompts of very different lengths and what one token of each costs."""
    rng = np.random.default_rng(0)
    chars = rng.uniform(20, 2_000, n)
    dense = rng.normal(size=(n, 3))
    return Inputs(dense, np.log1p(chars), np.full(n, "", dtype=np.str_)), chars


def weights(cost: np.ndarray) -> np.ndarray:
    return cell_weights(cost, np.ones_like(cost))


def test_costs_that_follow_the_prompt_s_length_are_found_out_of_fold() -> None:
    inputs, chars = prompts()
    noise = np.random.default_rng(1).uniform(0.8, 1.2, (N, 2))
    cost = np.outer(chars, [1e-6, 3e-5]) * noise
    model, held_out = fit_cost(inputs, cost, weights(cost), FOLD, seed=0)
    for estimate in (held_out, model.predict(inputs)):
        error = ((estimate - cost) ** 2).mean(axis=0) / cost.var(axis=0)
        assert (error < 0.2).all()
        assert estimate.mean(axis=0) == pytest.approx(cost.mean(axis=0), rel=0.03)


def test_costs_that_follow_nothing_are_the_means() -> None:
    inputs, _ = prompts()
    cost = np.random.default_rng(1).uniform(0.5, 1.5, (N, 2)) * np.array([1e-5, 1e-3])
    model, held_out = fit_cost(inputs, cost, weights(cost), FOLD, seed=0)
    np.testing.assert_allclose(held_out, np.tile(cost.mean(axis=0), (N, 1)), rtol=0.1)
    np.testing.assert_allclose(model.predict(inputs), np.tile(cost.mean(axis=0), (N, 1)), rtol=0.1)


def test_unknown_costs_are_left_out() -> None:
    inputs, chars = prompts()
    cost = np.outer(chars, [1e-6, 3e-5])
    hidden = np.where(np.random.default_rng(2).random((N, 2)) < 0.3, np.nan, cost)
    model, held_out = fit_cost(inputs, hidden, np.ones((N, 2)), FOLD, seed=0)
    assert np.isfinite(held_out).all()
    assert np.corrcoef(model.predict(inputs)[:, 1], cost[:, 1])[0, 1] > 0.99
    np.testing.assert_allclose(model.predict(inputs).mean(axis=0), cost.mean(axis=0), rtol=0.05)


def test_a_free_candidate_is_expected_to_be_free() -> None:
    inputs, chars = prompts()
    cost = np.outer(chars, [0.0, 3e-5])
    model, held_out = fit_cost(inputs, cost, weights(cost), FOLD, seed=0)
    assert (held_out[:, 0] == 0).all()
    assert (model.predict(inputs)[:, 0] == 0).all()


def test_no_cost_is_negative_however_short_the_prompt() -> None:
    inputs, chars = prompts()
    cost = np.maximum(np.outer(chars - 900, [1e-6, 3e-5]), 1e-9)
    model, held_out = fit_cost(inputs, cost, weights(cost), FOLD, seed=0)
    assert (held_out > 0).all()
    assert (model.predict(inputs) > 0).all()


def test_it_is_restored_from_its_state() -> None:
    inputs, chars = prompts()
    cost = np.outer(chars, [1e-6, 3e-5])
    model, _ = fit_cost(inputs, cost, weights(cost), FOLD, seed=0)
    np.testing.assert_array_equal(decode(CostModel, *encode(model)).predict(inputs), model.predict(inputs))
