"""Common draws: exact moments, and an integration error no larger than that of scrambled Sobol points."""

import numpy as np
import pytest

from penstock.core.draws import generating_vector, normal_draws


@pytest.mark.parametrize(("count", "dimensions"), [(64, 3), (100, 5), (128, 11), (1024, 20)])
def test_draws_have_mean_zero_and_unit_covariance_exactly(count, dimensions):
    draws = normal_draws(count, dimensions, seed=3)
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(draws.T @ draws / count, np.eye(dimensions), atol=1e-12)


def test_draws_are_the_same_for_the_same_seed_only_and_cannot_be_changed():
    draws = normal_draws(128, 4, seed=1)
    assert normal_draws(128, 4, seed=1) is draws
    assert not np.allclose(normal_draws(128, 4, seed=2), draws)
    with pytest.raises(ValueError, match="read-only"):
        draws[0] = 0


def test_fewer_draws_than_dimensions_are_still_finite():
    draws = normal_draws(8, 30)
    assert np.isfinite(draws).all()
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=1e-12)


def test_no_two_candidates_share_their_draws():
    assert len(set(generating_vector(128, 20).tolist())) == 20


def test_integration_error_is_that_of_scrambled_sobol_points_and_far_below_random_ones():
    qmc = pytest.importorskip("scipy.stats.qmc")
    ndtri = pytest.importorskip("scipy.special").ndtri
    rng = np.random.default_rng(0)
    k, count = 11, 128
    mean, sd = rng.normal(0, 0.3, (40, k)), rng.uniform(0.05, 0.5, (40, k))

    def maxima(draws):
        return np.array([(m + s * draws).max(axis=1).mean() for m, s in zip(mean, sd, strict=True)])

    truth = maxima(ndtri(qmc.Sobol(k, seed=9).random(2**15)))
    seeds = range(12)
    error = {
        "lattice": [maxima(normal_draws(count, k, seed)) - truth for seed in seeds],
        "sobol": [maxima(ndtri(qmc.Sobol(k, seed=seed).random(count))) - truth for seed in seeds],
        "random": [maxima(np.random.default_rng(seed).standard_normal((count, k))) - truth for seed in seeds],
    }
    rms = {name: float(np.sqrt(np.mean(np.square(errors)))) for name, errors in error.items()}
    assert rms["lattice"] < 1.1 * rms["sobol"]
    assert rms["lattice"] < 0.3 * rms["random"]
