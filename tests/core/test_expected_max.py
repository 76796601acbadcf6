"""E[max] of every subset: Clark's closed form, monotone, submodular."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core import normal
from penstock.core.covariance import square_root
from penstock.core.draws import normal_draws
from penstock.core.expected_max import expected_max, quality_samples


def expected_max_of_two(mean_1, sd_1, mean_2, sd_2, correlation):
    """E[max(Q1, Q2)] of two Gaussians exactly (Clark 1961). Preconditions: sd >= 0, |correlation| <= 1."""
    spread = np.sqrt(np.maximum(sd_1**2 + sd_2**2 - 2 * correlation * sd_1 * sd_2, 0.0))
    gap = mean_1 - mean_2
    a = np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)
    joined = mean_1 * normal.cdf(a) + mean_2 * normal.cdf(-a) + spread * normal.pdf(a)
    return np.where(spread > 0, joined, np.maximum(mean_1, mean_2))


def random_case(seed, n, k):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.3, (n, k, k))
    return rng.normal(0.5, 0.3, (n, k)), square_root(noise @ np.swapaxes(noise, 1, 2))


def test_every_subset_is_the_mean_of_its_maxima():
    mean, root = random_case(1, 3, 4)
    draws = normal_draws(64, 4)
    samples = quality_samples(mean, root, draws)
    value = expected_max(mean, root, draws)
    for mask in range(1, 16):
        inside = [i for i in range(4) if mask >> i & 1]
        np.testing.assert_allclose(value[:, mask], samples[:, inside].max(axis=1).mean(axis=1), atol=1e-14)
    assert (value[:, 0] == -np.inf).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(0, 2))
def test_monotone_and_submodular_over_all_subsets(seed, k, kind):
    mean, root = random_case(seed, 1, k)
    factor = None if kind == 0 else root if kind == 1 else np.abs(root[:, :, 0])
    value = expected_max(mean, factor, normal_draws(32, k, seed % 7))[0]
    for small in range(1, 1 << k):
        for large in range(small, 1 << k):
            if small & ~large:
                continue
            assert value[large] >= value[small] - 1e-12
            for i in range(k):
                if not large >> i & 1:
                    bit = 1 << i
                    assert value[large | bit] - value[large] <= value[small | bit] - value[small] + 1e-12


@pytest.mark.parametrize("correlation", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_two_candidates_agree_with_clark(correlation):
    rng = np.random.default_rng(2)
    mean, sd = rng.normal(0, 0.3, (50, 2)), rng.uniform(0, 0.5, (50, 2))
    cross = correlation * sd[:, 0] * sd[:, 1]
    covariance = np.array([[sd[:, 0] ** 2, cross], [cross, sd[:, 1] ** 2]]).transpose(2, 0, 1)
    value = expected_max(mean, square_root(covariance), normal_draws(4096, 2))[:, 3]
    exact = expected_max_of_two(mean[:, 0], sd[:, 0], mean[:, 1], sd[:, 1], correlation)
    np.testing.assert_allclose(value, exact, atol=1e-3)


def test_clark_against_numbers_worked_by_hand():
    # two independent N(0.5, 0.3^2): the maximum gains 0.3 / sqrt(pi)
    half, sd = np.array([0.5]), np.array([0.3])
    np.testing.assert_allclose(expected_max_of_two(half, sd, half, sd, 0.0), 0.5 + 0.3 / np.sqrt(np.pi))
    # no variance, or one variable twice: the larger mean
    assert expected_max_of_two(half, 0 * sd, half + 0.1, 0 * sd, 0.0) == [0.6]
    assert expected_max_of_two(half, sd, half, sd, 1.0) == [0.5]


def test_without_variance_it_is_the_largest_mean():
    mean = np.array([[0.2, 0.9, 0.4]])
    for factor in (None, np.zeros((1, 3)), np.zeros((1, 3, 3))):
        value = expected_max(mean, factor, normal_draws(16, 3))[0]
        np.testing.assert_allclose(value[[1, 2, 3, 5, 7]], [0.2, 0.9, 0.9, 0.4, 0.9])


def test_a_single_candidate_is_worth_its_mean_whatever_the_draws():
    mean, root = random_case(5, 20, 5)
    value = expected_max(mean, root, normal_draws(24, 5))
    np.testing.assert_allclose(value[:, [1, 2, 4, 8, 16]], mean, atol=1e-13)


def test_blocks_do_not_change_the_values():
    mean, root = random_case(6, 300, 8)
    draws = normal_draws(128, 8)
    whole = expected_max(mean, root, draws)
    np.testing.assert_array_equal(whole[150:152], expected_max(mean[150:152], root[150:152], draws))
