"""What a fitted router believes about every candidate on a query, before and after it has answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.estimators.agreement.model import Consensus
from penstock.estimators.base import Fitted
from penstock.estimators.cost import CostModel
from penstock.estimators.embeddings import OpenEmbedder, opening_once, with_embedder
from penstock.estimators.ex_ante.encoder import OpenTextModel, encoder_from_state
from penstock.estimators.features import Encoder, Inputs
from penstock.estimators.post_hoc.logistic import OwnAnswer
from penstock.estimators.registry import restore
from penstock.estimators.shrinkage import Shrinkage
from penstock.types import Answer, FloatArray, Query, Status

Parts = tuple[dict[str, Any], dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class BeliefModel:
    """Fitted estimators of one pool. ``post_hoc`` None: an answer that came back changes nothing but a
    refusal or a failure, which is worth 0."""

    encoder: Encoder
    fitted: Fitted
    shrinkage: Shrinkage
    cost: CostModel
    post_hoc: OwnAnswer | None
    consensus: Consensus | None = None
    """Where answers are compared with each other, and one answer moves everybody's estimate."""

    def before(self, queries: Sequence[Query]) -> tuple[FloatArray, FloatArray]:
        """(n, k) expected quality in [0, 1] and (n, k) expected cost, before anything has been called."""
        return self.before_inputs(self.encoder.encode(queries))

    def before_inputs(self, inputs: Inputs) -> tuple[FloatArray, FloatArray]:
        """The same from features computed already."""
        quality = np.clip(self.shrinkage.apply(self.fitted.predict(inputs)), 0.0, 1.0)
        return quality, self.cost.predict(inputs)

    def after(self, ex_ante: float, answer: Answer, column: int) -> float:
        """Expected quality of an answer that has come back."""
        if answer.status is not Status.ANSWERED:
            return 0.0
        return ex_ante if self.post_hoc is None else self.post_hoc.estimate_answer(ex_ante, answer, column)

    def spread(self, ex_ante: FloatArray) -> FloatArray | None:
        """(n, k) how far estimates will move once the candidates have answered; None where they will not."""
        return None if self.post_hoc is None else self.post_hoc.spread(ex_ante)

    def state(self) -> dict[str, Parts]:
        """Named parts for a bundle."""
        settings, arrays = self.fitted.state()
        parts: dict[str, Parts] = {
            "encoder": self.encoder.state(),
            "fitted": ({"kind": self.fitted.kind, **settings}, arrays),
            "shrinkage": (
                {"common": self.shrinkage.common, "contrast": self.shrinkage.contrast},
                {"means": self.shrinkage.means},
            ),
            "cost": self.cost.state(),
        }
        if self.post_hoc is not None:
            parts["post_hoc"] = self.post_hoc.state()
        if self.consensus is not None:
            parts["consensus"] = self.consensus.state()
        return parts

    @classmethod
    def from_state(
        cls,
        parts: Mapping[str, Parts],
        open_model: OpenTextModel | None = None,
        open_embedder: OpenEmbedder | None = None,
    ) -> BeliefModel:
        """What ``state`` returned. BundleError for a text model or an embedder that nobody here opens."""
        settings, arrays = parts["fitted"]
        shrink, shrink_arrays = parts["shrinkage"]
        post_hoc, consensus = parts.get("post_hoc"), parts.get("consensus")
        opened = None if open_embedder is None else opening_once(open_embedder)
        encoder = encoder_from_state(*parts["encoder"], open_model)
        return cls(
            encoder=with_embedder(encoder, *parts["encoder"], opened),
            fitted=restore(str(settings["kind"]), settings, arrays),
            shrinkage=Shrinkage(shrink_arrays["means"], float(shrink["common"]), float(shrink["contrast"])),
            cost=CostModel.from_state(*parts["cost"]),
            post_hoc=None if post_hoc is None else OwnAnswer.from_state(*post_hoc),
            consensus=None if consensus is None else Consensus.from_state(*consensus, opened),
        )
