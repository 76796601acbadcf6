"""Chains of cascades, and thresholds over their full range."""

from __future__ import annotations

import numpy as np

from penstock.core.cascade_chains import chain_lambdas, chains, levels

QUALITY, COST = np.array([0.4, 0.6, 0.8]), np.array([1.0, 3.0, 10.0])


def test_chains_are_of_the_hull() -> None:
    assert chains(QUALITY, COST) == [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    assert chains(np.array([0.4, 0.3, 0.8]), COST) == [(0, 2)]
    assert chains(np.array([0.9, 0.3, 0.8]), COST) == []
    many = np.linspace(0.1, 0.9, 12)
    assert len({c for chain in chains(np.sqrt(many), many) for c in chain}) == 5


def test_levels_reach_from_everything_kept_to_nothing_kept() -> None:
    values = np.array([0.2, 0.2, 0.5, 0.9])
    found = levels(values, 5)
    assert (values >= found[0]).all()
    assert not (values >= found[-1]).any()
    assert (np.diff(found) > 0).all()
    assert len(levels(np.zeros(4), 9)) == 2


def test_prices_reach_beyond_the_steepest_gain_of_the_chain() -> None:
    found = chain_lambdas((0, 1, 2), QUALITY, COST, 6)
    assert len(found) == 6
    assert found[0] == 0.0
    assert (np.diff(found) > 0).all()
    assert found[1] < 0.1 < found[-1], "0.2 of quality for 2 of cost"
    assert chain_lambdas((0, 1), np.array([0.6, 0.4]), COST, 6) == []
