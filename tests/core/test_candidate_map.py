"""What is said of candidates, put right by what was observed of them."""

from __future__ import annotations

import numpy as np

from penstock.core.candidate_map import candidate_map

K = 4


def test_the_map_finds_one_difference_that_was_shrunk_too_far() -> None:
    """Candidates 0 and 1 differ three times as much as is said of them; of the others too much is said."""
    rng = np.random.default_rng(0)
    said = rng.normal(size=(4_000, K))
    true = said.copy()
    true[:, :2] *= 3.0
    true[:, 2:] *= 0.5
    observed = true + rng.normal(size=true.shape)
    found = candidate_map(said, observed, np.ones_like(said))
    np.testing.assert_allclose(found, np.diag([3.0, 3.0, 0.5, 0.5]), atol=0.15)


def test_noise_is_not_mapped() -> None:
    rng = np.random.default_rng(1)
    said = 0.3 * rng.normal(size=(300, K))
    observed = said + rng.normal(size=said.shape)
    found = candidate_map(said, observed, np.ones_like(said))
    np.testing.assert_allclose(found, np.eye(K), atol=0.25)
    cells = np.ones_like(said)
    cells[:, 2] = 0.0
    holes = candidate_map(said, np.where(cells > 0, observed, 0.0), cells)
    np.testing.assert_array_equal(holes[:, 2], np.eye(K)[:, 2])
