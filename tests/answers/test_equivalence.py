"""Answers numbered and compared."""

from __future__ import annotations

import numpy as np

from penstock.answers.equivalence import NONE, agreement


def test_agreement_is_the_share_of_the_others_executed() -> None:
    code = np.array([[0, 0, 1], [0, 0, 0], [NONE, NONE, 0]])
    ran = np.array([[True, True, True], [True, True, False], [True, True, False]])
    nan = float("nan")
    expected = [[0.5, 0.5, 0.0], [1.0, 1.0, nan], [0.0, 0.0, nan]]
    np.testing.assert_array_equal(agreement(code, ran), expected)
    alone = agreement(code, np.array([[True, False, False]] * 3))
    assert np.isnan(alone).all()
