"""The agreement model as an estimate after the call: fitted and cross-fitted over the folds of what it starts
from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from penstock.belief import GoesBy
from penstock.codec import take
from penstock.core.threads import parallel_map
from penstock.estimators.agreement.fit import fit_agreement
from penstock.estimators.agreement.model import AgreementModel, recorded_belief
from penstock.estimators.post_hoc.base import CrossfitPostHoc, PostHocData, PostHocEstimator, whole
from penstock.estimators.post_hoc.fit_logistic import LogisticEstimator
from penstock.estimators.post_hoc.logistic import PostHocLogistic
from penstock.registry import register
from penstock.types import BoolArray, FloatArray


@register("post_hoc", "agreement")
@dataclass(frozen=True)
class AgreementEstimator(PostHocEstimator):
    """Who agrees with whom, on top of what each answer's own features say."""

    goes_by = GoesBy.AGREEMENT

    def fit(self, data: PostHocData, *, seed: int) -> AgreementModel | None:
        found = self.crossfit(data, {}, seed=seed, threads=1)
        model = None if found is None else found.fitted
        assert model is None or isinstance(model, AgreementModel)
        return model

    def crossfit(
        self, data: PostHocData, earlier: Mapping[str, CrossfitPostHoc], *, seed: int, threads: int
    ) -> CrossfitPostHoc | None:
        """None where answers cannot be compared. Own features are ``earlier``'s, or are fitted here."""
        if data.comparison is None:
            return None
        own = earlier.get("logistic") or LogisticEstimator().crossfit(data, {}, seed=seed, threads=threads)
        assert own.estimates is not None
        estimates = own.estimates
        numbers, which = np.unique(data.fold, return_inverse=True)
        parts = [np.ones(len(data.fold), dtype=bool), *(data.fold != f for f in numbers.tolist())]

        def fit_on(part: BoolArray) -> AgreementModel:
            return _fitted(data, estimates, part, seed)

        model, *held_out = parallel_map(fit_on, parts, threads=threads)
        assert own.fitted is None or isinstance(own.fitted, PostHocLogistic)
        beliefs = []
        for answers, after in zip(data.answers, estimates, strict=True):
            belief = recorded_belief(held_out, which, data.before, after, answers)
            beliefs.append(whole(take(belief, data.tuning), int(data.tuning.sum())))
        return CrossfitPostHoc(replace(model, own=own.fitted), tuple(beliefs))


def _fitted(
    data: PostHocData, estimates: tuple[FloatArray, ...], part: BoolArray, seed: int
) -> AgreementModel:
    """From some of the rows, every draw of the samples of them."""
    times = len(data.answers)
    assert data.comparison is not None
    comparison = data.comparison
    return fit_agreement(
        np.tile(data.before.quality[part], (times, 1)),
        np.concatenate([a.codes(comparison)[part] for a in data.answers]),
        np.concatenate([q[part] for q in data.quality]),
        np.tile(data.weight[part] > 0, (times, 1)),
        comparison=comparison,
        seed=seed,
        post_hoc=np.concatenate([e[part] for e in estimates]),
        answered=np.concatenate([a.answered[part] for a in data.answers]),
    )
