"""Projections onto the positive semidefinite matrices, and square roots of singular ones."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.covariance import nearest_psd, square_root


def covariance_of(rng, d, rank=None):
    a = rng.normal(size=(d, rank or d))
    return a @ a.T


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
