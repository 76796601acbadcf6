"""What a fitted law of answers says of queries, before and after any set of candidates has answered.

The law is ``core.consensus``: candidates differ in skill, queries in difficulty, right answers coincide and
wrong ones seldom do. It turns ex-ante estimates, own-answer signs and agreement into one posterior for every
candidate, executed or not, and lets a policy ask whether one more answer would be worth its price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.core.agreement import NONE, Laws, Sight, look_ahead, posterior
from penstock.estimators.agreement.comparison import Comparison, comparison_from
from penstock.estimators.base import Arrays, Settings
from penstock.estimators.embeddings import OpenEmbedder
from penstock.estimators.ex_ante.linear import logit
from penstock.estimators.post_hoc.logistic import OwnAnswer
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Status

_MOST_SIGN = 4.0


def signs(
    ex_ante: FloatArray, post_hoc: FloatArray, answered: BoolArray, weight: FloatArray | float = 1.0
) -> FloatArray:
    """Log-likelihood ratios of right against wrong that own answers add to ``ex_ante``, times ``weight``;
    -inf where a candidate did not answer: that is worth nothing."""
    moved = np.clip(logit(post_hoc) - logit(ex_ante), -_MOST_SIGN, _MOST_SIGN)
    return np.where(answered, weight * moved, -np.inf)


@dataclass(frozen=True)
class Consensus:
    """Fitted: the law of k candidates, the ``slope`` (k,) of ex-ante logits in it, the ``comparison`` of
    answers, and the weight of ``own`` signs."""

    laws: Laws
    slope: FloatArray
    comparison: Comparison
    own: float = 1.0

    def outlook(self, ex_ante: FloatArray) -> ConsensusOutlook:
        """Of n live queries with ex-ante estimates (n, k), before anything has answered."""
        n, k = ex_ante.shape
        sight = Sight(
            self.slope * logit(ex_ante),
            np.full((n, k), NONE),
            np.zeros((n, k)),
            np.zeros(n, dtype=np.int64),
        )
        return ConsensusOutlook(self.laws, sight, ex_ante)

    def tell(
        self,
        outlook: ConsensusOutlook,
        row: int,
        answers: Mapping[int, Answer],
        post_hoc: OwnAnswer | None,
    ) -> ConsensusOutlook:
        """The outlook once ``answers`` (by column, all so far) on query ``row`` have come back."""
        columns = sorted(answers)  # as a table has them: by meaning the order can matter
        code, sign = outlook.sight.code.copy(), outlook.sight.sign.copy()
        code[row, columns] = self.comparison.group([answers[j] for j in columns])
        before = outlook.ex_ante[row]
        for j, answer in answers.items():
            after = before[j] if post_hoc is None else post_hoc.estimate_answer(float(before[j]), answer, j)
            answered = np.array([answer.status is Status.ANSWERED])
            sign[row, j] = signs(before[j : j + 1], np.array([after]), answered, self.own)[0]
        return replace(outlook, sight=replace(outlook.sight, code=code, sign=sign))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings and arrays for a bundle."""
        arrays: dict[str, NDArray[Any]] = {
            "level": self.laws.level,
            "weight": self.laws.weight,
            "wrong": self.laws.wrong,
            "right": self.laws.right,
            "slope": self.slope,
        }
        return {**self.comparison.state(), "own": self.own}, arrays

    @classmethod
    def from_state(
        cls, settings: Settings, arrays: Arrays, open_embedder: OpenEmbedder | None = None
    ) -> Consensus:
        """What ``state`` returned. BundleError where answers are compared by what cannot be opened here."""
        comparison = comparison_from(settings, open_embedder)
        laws = Laws(arrays["level"], arrays["weight"], arrays["wrong"], arrays["right"])
        return cls(laws, arrays["slope"], comparison, float(settings.get("own", 1.0)))


@dataclass(frozen=True)
class ConsensusOutlook:
    """``policies.base.Outlook`` of n queries. ``ex_ante`` (n, k) is what own answers are judged from."""

    laws: Laws
    sight: Sight
    ex_ante: FloatArray

    def rows(self, index: IntArray | BoolArray) -> ConsensusOutlook:
        """The same, for some of the queries."""
        return ConsensusOutlook(self.laws, self.sight.rows(index), self.ex_ante[index])

    def believe(self, executed: BoolArray) -> FloatArray:
        """(n, k) expected quality of every candidate once ``executed`` (n, k) have answered."""
        return posterior(self.laws, self.sight, executed)

    def ahead(
        self, executed: BoolArray, open_: BoolArray, price: FloatArray, *, first: int, then: int
    ) -> IntArray:
        """(n,) whom to call next, -1 to stop; see ``core.consensus.look_ahead``."""
        return look_ahead(self.laws, self.sight, executed, open_, price, first=first, then=then)


def several(
    models: Sequence[Consensus],
    which: IntArray,
    ex_ante: FloatArray,
    post_hoc: FloatArray,
    code: IntArray,
    answered: BoolArray,
) -> ConsensusOutlook:
    """The outlook of n recorded queries, ``models[which[i]]`` speaking of query i: ``code`` (n, k) and
    ``answered`` (n, k) of every cell, looked at only once a candidate has been called."""
    parts = [model.laws for model in models]
    laws = Laws(
        np.concatenate([p.level for p in parts]),
        np.concatenate([p.weight for p in parts]),
        np.concatenate([p.wrong for p in parts]),
        np.concatenate([p.right for p in parts]),
    )
    slope = np.stack([model.slope for model in models])[which]
    own = np.array([model.own for model in models])[which, None]
    sign = signs(ex_ante, post_hoc, answered, own)
    return ConsensusOutlook(laws, Sight(slope * logit(ex_ante), code, sign, which), ex_ante)
