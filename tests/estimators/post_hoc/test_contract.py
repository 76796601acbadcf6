"""Every estimate after the call against the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
import pytest

from penstock.codec import take
from penstock.estimators.agreement.estimator import AgreementEstimator
from penstock.estimators.comparison.comparison import ByForm
from penstock.estimators.post_hoc.base import CrossfitPostHoc, PostHocData, PostHocEstimator, whole
from penstock.estimators.post_hoc.fit_logistic import LogisticEstimator
from penstock.estimators.post_hoc.logistic import PostHocLogistic
from penstock.estimators.post_hoc.per_set_estimator import PerSetEstimator
from penstock.registry import names
from penstock.testing.post_hoc import PostHocContract, data_of, fitted
from penstock.types import Answer, FloatArray, IntArray


class TestLogistic(PostHocContract):
    @pytest.fixture
    def estimator(self) -> PostHocEstimator:
        return LogisticEstimator()


class TestAgreement(PostHocContract):
    own_fold = 0.1
    """It is fitted on estimates of other folds' answers by models that have seen this one's."""

    @pytest.fixture
    def estimator(self) -> PostHocEstimator:
        return AgreementEstimator()


class TestPerSet(PostHocContract):
    @pytest.fixture
    def estimator(self) -> PostHocEstimator:
        return PerSetEstimator()


class Peeking(LogisticEstimator):
    """Believes every row by the fit on all of them."""

    def crossfit(
        self, data: PostHocData, earlier: Mapping[str, CrossfitPostHoc], *, seed: int, threads: int
    ) -> CrossfitPostHoc:
        model = fitted(self, data)
        rows = np.flatnonzero(data.tuning)
        beliefs = (model.believe(take(data.before, rows), take(a, rows)) for a in data.answers)
        return CrossfitPostHoc(model, tuple(whole(belief, len(rows)) for belief in beliefs))


class DeafWhenLive(PostHocLogistic):
    """Reads recorded answers only."""

    def estimate(self, ex_ante: FloatArray, answers: Sequence[Answer], columns: IntArray) -> FloatArray:
        return ex_ante


class FitsDeafly(LogisticEstimator):
    """Fits that."""

    def fit(self, data: PostHocData, *, seed: int) -> PostHocLogistic:
        model = fitted(LogisticEstimator(), data)
        return DeafWhenLive(**{f.name: getattr(model, f.name) for f in fields(PostHocLogistic)})


def test_the_contract_catches_who_breaks_it() -> None:
    suite, data = PostHocContract(), data_of(comparison=ByForm("stated_answer"))
    with pytest.raises(AssertionError):
        suite.test_a_row_is_believed_by_a_fit_that_has_not_seen_it(Peeking(), data)
    with pytest.raises(AssertionError, match="quality"):
        suite.test_live_answers_are_believed_as_recorded_ones(FitsDeafly(), data)


def test_every_estimate_after_the_call_is_held_to_the_contract() -> None:
    assert set(names("post_hoc")) == {"logistic", "agreement", "per_set"}
