"""Conditioning a joint Gaussian, against the textbook formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.research.gaussian import condition


def covariance_of(rng, d, rank=None):
    a = rng.normal(size=(d, rank or d))
    return a @ a.T


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_conditioning_is_the_textbook_formula_row_by_row(seed, d):
    rng = np.random.default_rng(seed)
    n = 12
    mean, covariance = rng.normal(size=(n, d)), covariance_of(rng, d) + 0.1 * np.eye(d)
    values, observed = rng.normal(size=(n, d)), rng.random((n, d)) < 0.5
    result = condition(mean, covariance, values, observed)
    for row in range(n):
        o, u = observed[row], ~observed[row]
        gain = (
            covariance[np.ix_(u, o)] @ np.linalg.inv(covariance[np.ix_(o, o)])
            if o.any()
            else np.zeros((u.sum(), 0))
        )
        expected = mean[row, u] + gain @ (values[row, o] - mean[row, o])
        left = covariance[np.ix_(u, u)] - gain @ covariance[np.ix_(o, u)]
        np.testing.assert_allclose(result.mean[row, u], expected, atol=1e-7)
        np.testing.assert_array_equal(result.mean[row, o], values[row, o])
        got = result.covariance[result.pattern[row]]
        np.testing.assert_allclose(got[np.ix_(u, u)], left, atol=1e-7)
        assert not got[o].any()
        assert not got[:, o].any()


def test_observing_two_things_at_once_or_one_after_the_other_is_the_same():
    rng = np.random.default_rng(1)
    covariance = covariance_of(rng, 4) + 0.2 * np.eye(4)
    values = rng.normal(size=(1, 4))
    both = condition(np.zeros(4), covariance, values, np.array([[True, True, False, False]]))
    first = condition(np.zeros(4), covariance, values, np.array([[True, False, False, False]]))
    then = condition(first.mean, first.covariance[0], values, np.array([[True, True, False, False]]))
    np.testing.assert_allclose(then.mean, both.mean, atol=1e-12)
    np.testing.assert_allclose(then.covariance, both.covariance, atol=1e-12)


def test_a_repeated_signal_counts_once():
    single = np.array([[1.0, 0.6], [0.6, 1.0]])
    twice = np.array([[1.0, 0.6, 0.6], [0.6, 1.0, 1.0], [0.6, 1.0, 1.0]])
    one = condition(np.zeros(2), single, np.array([[0.0, 2.0]]), np.array([[False, True]]))
    two = condition(np.zeros(3), twice, np.array([[0.0, 2.0, 2.0]]), np.array([[False, True, True]]))
    assert two.mean[0, 0] == pytest.approx(one.mean[0, 0]) == pytest.approx(1.2)
    assert two.covariance[0, 0, 0] == pytest.approx(one.covariance[0, 0, 0]) == pytest.approx(0.64)


def test_scales_do_not_matter():
    rng = np.random.default_rng(2)
    covariance, values = covariance_of(rng, 3) + 0.1 * np.eye(3), rng.normal(size=(1, 3))
    scale = np.array([1e-6, 1.0, 1e6])
    seen = np.array([[True, True, False]])
    plain = condition(np.zeros(3), covariance, values, seen)
    scaled = condition(np.zeros(3), covariance * scale * scale[:, None], values * scale, seen)
    np.testing.assert_allclose(scaled.mean / scale, plain.mean, rtol=1e-8)


def test_unobserved_values_are_not_read_and_inputs_stay():
    values = np.array([[1.0, np.nan]])
    mean = np.zeros(2)
    result = condition(mean, np.eye(2), values, np.array([[True, False]]))
    np.testing.assert_array_equal(result.mean, [[1.0, 0.0]])
    assert not mean.any()
