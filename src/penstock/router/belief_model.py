"""What a fitted router believes about every candidate on a query, before and after it has answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.belief import Belief, OwnAnswerBelief
from penstock.estimators.base import Fitted
from penstock.estimators.cost import CostModel
from penstock.estimators.embeddings import EmbeddingEncoder
from penstock.estimators.ex_ante.encoder import ScoringEncoder
from penstock.estimators.features import Encoder, Inputs
from penstock.estimators.post_hoc.base import Before, FittedPostHoc
from penstock.estimators.recorded import RecordedAnswers
from penstock.estimators.shrinkage import Shrinkage
from penstock.types import FloatArray, Query


@dataclass(frozen=True)
class BeliefModel:
    """Fitted estimates of one pool. ``post_hoc`` None: an answer that came back changes nothing but a
    refusal or a failure, which is worth 0."""

    encoder: Encoder | ScoringEncoder | EmbeddingEncoder
    fitted: Fitted
    shrinkage: Shrinkage
    cost: CostModel
    post_hoc: FittedPostHoc | None = None

    @property
    def blocking(self) -> bool:
        """Whether believing or observing may wait for a network or for a model of the size of one."""
        return self.encoder.blocking or (self.post_hoc is not None and self.post_hoc.blocking)

    def quality(self, inputs: Inputs) -> FloatArray:
        """(n, k) expected quality in [0, 1] before anything has been called."""
        return np.clip(self.shrinkage.apply(self.fitted.predict(inputs)), 0.0, 1.0)

    def before(self, inputs: Inputs, draw: FloatArray) -> Before:
        """What is known of n queries, whose ``draw`` is (n,), before anything has been called."""
        return Before(self.quality(inputs), self.cost.predict(inputs), draw, inputs)

    def believe(self, queries: Sequence[Query], draw: FloatArray) -> Belief:
        """What is believed of n live queries."""
        return self.recorded(self.before(self.encoder.encode(queries), draw), None)

    def recorded(self, before: Before, answers: RecordedAnswers | None) -> Belief:
        """What is believed of n queries whose ``answers`` are on record; None: live ones."""
        if self.post_hoc is not None:
            return self.post_hoc.believe(before, answers)
        return OwnAnswerBelief(
            before.quality,
            before.quality,
            before.cost,
            before.draw,
            refused=None if answers is None else ~answers.answered,
            confidence=None if answers is None else answers.confidence,
        )
