"""The standard normal distribution against SciPy's."""

import numpy as np
import pytest

from penstock.core import normal

special = pytest.importorskip("scipy.special")


def test_cdf_is_that_of_scipy_into_the_far_tails():
    x = np.linspace(-37, 37, 20_001)
    np.testing.assert_allclose(normal.cdf(x), special.ndtr(x), rtol=1e-11, atol=0)


def test_density_integrates_to_the_cdf():
    x = np.linspace(-8, 2, 100_001)
    step = x[1] - x[0]
    area = np.cumsum(normal.pdf(x)) * step
    np.testing.assert_allclose(area[-1], normal.cdf(x[-1:] + step / 2)[0], atol=1e-9)


def test_inverse_is_that_of_scipy_everywhere():
    p = np.concatenate([10.0 ** -np.arange(1, 300, 3), np.linspace(1e-9, 1 - 1e-9, 10_001)])
    np.testing.assert_allclose(normal.inverse_cdf(p), special.ndtri(p), rtol=1e-12, atol=1e-12)


def test_inverse_ends_at_the_infinities():
    np.testing.assert_array_equal(normal.inverse_cdf(np.array([0.0, 0.5, 1.0])), [-np.inf, 0.0, np.inf])
