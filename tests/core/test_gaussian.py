"""Beliefs: conditioning against the textbook formulas, singular covariances, projections."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.research.gaussian import condition, nearest_psd, square_root


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


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7))
def test_square_root_of_a_singular_covariance(seed, d):
    rng = np.random.default_rng(seed)
    stack = np.stack([covariance_of(rng, d, rank=1 + i % d) for i in range(5)])
    certain = int(rng.integers(0, d))
    stack[:, certain] = 0.0
    stack[:, :, certain] = 0.0
    root = square_root(stack)
    np.testing.assert_allclose(root @ np.swapaxes(root, 1, 2), stack, atol=1e-4 * (1 + np.abs(stack).max()))
    assert not np.triu(root, 1).any()
    assert not root[:, certain].any()


def test_square_root_of_a_regular_covariance_is_cholesky():
    covariance = covariance_of(np.random.default_rng(3), 5) + 0.1 * np.eye(5)
    np.testing.assert_allclose(square_root(covariance), np.linalg.cholesky(covariance), atol=1e-10)


def test_projection_is_the_nearest_and_leaves_the_sound_alone():
    rng = np.random.default_rng(4)
    sound = covariance_of(rng, 4)
    np.testing.assert_allclose(nearest_psd(sound), sound, atol=1e-12)
    broken = rng.normal(size=(3, 4, 4))
    broken = broken + np.swapaxes(broken, 1, 2)
    repaired = nearest_psd(broken)
    assert np.linalg.eigvalsh(repaired).min() > -1e-12
    distance = np.linalg.norm(repaired - broken)
    for _ in range(50):
        other = np.stack([covariance_of(rng, 4) for _ in range(3)])
        assert np.linalg.norm(repaired + 0.01 * (other - repaired) - broken) >= distance - 1e-12
