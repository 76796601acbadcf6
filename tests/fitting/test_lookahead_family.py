"""How far ahead is tried, and on how many rows."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.fitting.search_spaces import DEEP_ROWS, LOOKAHEAD_POINTS, lookahead
from penstock.policies.lookahead import Lookahead
from penstock.router.replay import Beliefs


def beliefs(n: int) -> Beliefs:
    quality = np.random.default_rng(0).random((n, 3))
    return Beliefs(quality, quality, np.tile([1.0, 2.0, 4.0], (n, 1)), np.zeros(n))


@pytest.mark.parametrize(("rows", "depths"), [(100, {1, 2}), (DEEP_ROWS, {1, 2}), (DEEP_ROWS + 1, {1})])
def test_a_second_look_is_tried_where_it_can_be_afforded(rows: int, depths: set[int]) -> None:
    policies = [p for p in lookahead(beliefs(rows)) if isinstance(p, Lookahead)]
    assert {p.then for p in policies} == depths
    prices = [{p.lam for p in policies if p.then == then} for then in depths]
    assert all(len(p) >= LOOKAHEAD_POINTS - 1 for p in prices)
    assert all(p == prices[0] for p in prices)
