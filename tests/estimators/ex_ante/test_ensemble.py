"""The mean of several estimators, each after its own shrinkage."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.codec import decode, encode
from penstock.errors import InputError
from penstock.estimators.base import Fitted
from penstock.estimators.ex_ante.ensemble import ENSEMBLE, FittedEnsemble, mean_of
from penstock.estimators.ex_ante.linear import Ridge
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.ex_ante.neighbours import NearestNeighbours
from penstock.estimators.shrinkage import Shrinkage
from penstock.testing.estimators import inputs_of, outcomes_of, weights_of
from penstock.types import FloatArray

INPUTS = inputs_of(120)
QUALITY = outcomes_of(INPUTS)
MEANS: FloatArray = np.nanmean(QUALITY, axis=0)


def fitted(*shrinkages: Shrinkage) -> FittedEnsemble:
    weight = weights_of(QUALITY)
    kinds = (Ridge(), NearestNeighbours(k=10))
    return FittedEnsemble(tuple(k.fit(INPUTS, QUALITY, weight, seed=0) for k in kinds), shrinkages)


def test_every_member_counts_alike_after_its_own_shrinkage() -> None:
    known = fitted(Shrinkage(MEANS, 1.0, 1.0), Shrinkage(MEANS, 0.5, 0.25))
    pairs = zip(known.members, known.shrinkages, strict=True)
    each = [np.clip(s.apply(m.predict(INPUTS)), 0, 1) for m, s in pairs]
    np.testing.assert_allclose(known.predict(INPUTS), (each[0] + each[1]) / 2)
    np.testing.assert_allclose(known.predict(INPUTS), mean_of(each))


def test_a_member_that_learned_nothing_says_the_means() -> None:
    known = fitted(Shrinkage(MEANS, 0.0, 0.0), Shrinkage(MEANS, 0.0, 0.0))
    np.testing.assert_allclose(known.predict(INPUTS), np.broadcast_to(MEANS, QUALITY.shape))


def test_its_state_says_the_same() -> None:
    known = fitted(Shrinkage(MEANS, 1.0, 0.7), Shrinkage(MEANS, 0.5, 0.25))
    again = decode(Fitted, *encode(known))
    np.testing.assert_array_equal(again.predict(INPUTS), known.predict(INPUTS))


def test_it_is_not_fitted_by_itself() -> None:
    with pytest.raises(InputError, match=r"there are .*ensemble"):
        estimator("no such thing")
    for name in (ENSEMBLE, f"{ENSEMBLE}+platt"):
        with pytest.raises(InputError, match="neither fitted nor calibrated"):
            estimator(name)
