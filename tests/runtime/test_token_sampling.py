"""Sampling follows the distribution it is given."""

from __future__ import annotations

import numpy as np

from penstock.runtime.sampling import choose, log_softmax

LOGITS = np.array([1.0, 0.0, 2.0, -1.0, -np.inf])


def draw(n: int, temperature: float, top_p: float) -> np.ndarray:
    """Shares of each token among n draws from one row of logits."""
    rows = np.tile(log_softmax(LOGITS[None]), (n, 1))
    streams = [np.random.default_rng(seed) for seed in range(n)]
    chosen = choose(rows, np.full(n, temperature), np.full(n, top_p), streams)
    return np.bincount(chosen, minlength=len(LOGITS)) / n


def test_shares_match_probabilities() -> None:
    n = 20_000
    for temperature in (0.5, 1.0, 2.0):
        weights = np.exp(LOGITS / temperature)
        expected = weights / weights.sum()
        tolerance = 5 * np.sqrt(expected * (1 - expected) / n)
        assert (np.abs(draw(n, temperature, 1.0) - expected) <= tolerance).all()


def test_nucleus_keeps_the_smallest_set_with_enough_mass() -> None:
    # Probabilities about .64, .24, .09, .03: .7 needs two tokens, .6 needs one.
    assert set(np.flatnonzero(draw(2000, 1.0, 0.7))) == {0, 2}
    assert set(np.flatnonzero(draw(2000, 1.0, 0.6))) == {2}


def test_temperature_zero_takes_the_best_and_draws_nothing() -> None:
    stream = np.random.default_rng(0)
    before = stream.bit_generator.state
    chosen = choose(log_softmax(LOGITS[None]), np.zeros(1), np.ones(1), [stream])
    assert chosen.tolist() == [2]
    assert stream.bit_generator.state == before


def test_log_softmax_sums_to_one_even_for_huge_logits() -> None:
    table = log_softmax(np.array([[1e4, 1e4, -1e4], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(np.exp(table).sum(axis=1), 1.0)
