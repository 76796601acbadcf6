"""A trained encoder's opinion of a prompt as an ex-ante estimate (Hybrid LLM, Ding et al., ICLR 2024).

The encoder reads the prompt and gives one score per weaker candidate: how likely its answer is as good as the
strongest candidate's. Running it takes a model, which this side of the system does not have: the caller
gives one (``TextModel``), as ``penstock.runtime.text_model`` does from an ONNX file. What is fitted here is
the step from scores to expected quality, a logistic regression per candidate, so that scores of any scale
become comparable with every other estimate. With two candidates and one constant price each, routing on it
is a threshold on the score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from penstock import codec
from penstock.estimators.base import Fitted
from penstock.estimators.ex_ante.linear import FittedLinear, Logistic
from penstock.estimators.features import Encoder, Inputs
from penstock.registry import register
from penstock.types import FloatArray, Query

_EDGE = 1e-4
"""Scores are kept this far from 0 and 1 before their logit is taken."""


class TextModel(Protocol):
    """A model that reads prompts."""

    def scores(self, prompts: Sequence[str]) -> FloatArray:
        """(n, m) scores in [0, 1], one column per weaker candidate; high means the weaker will do."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Plain settings and arrays from which ``OpenTextModel`` makes the same model again."""
        ...


codec.external(TextModel, lambda model: model.state())


OpenTextModel = Callable[[Mapping[str, Any], Mapping[str, NDArray[Any]]], TextModel]
"""Makes a model of what its ``state`` returned."""


@dataclass(frozen=True)
class ScoredInputs(Inputs):
    """Inputs with a text model's ``scores`` (n, m)."""

    scores: FloatArray = field(kw_only=True)


@dataclass(frozen=True)
class ScoringEncoder(Encoder):
    """A feature encoder that asks a text model too."""

    model: TextModel = field(kw_only=True)

    @classmethod
    def over(cls, encoder: Encoder, model: TextModel) -> ScoringEncoder:
        """``encoder`` with a model beside it."""
        return cls(**{f.name: getattr(encoder, f.name) for f in fields(Encoder)}, model=model)

    def encode(self, queries: Sequence[Query]) -> ScoredInputs:
        """Features and scores of n queries."""
        return _scored(super().encode(queries), self.model.scores([q.prompt for q in queries]))


@dataclass(frozen=True)
class EncoderScores:
    """Logistic regression of each candidate's quality on the logits of all scores.

    Few coefficients and many rows: the penalties are weak. Inputs without scores give every candidate's mean.
    """

    penalties: tuple[float, ...] = (0.3, 3.0, 30.0)

    @property
    def name(self) -> str:
        return "encoder"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        logits = score_logits(inputs)
        centre, scale = logits.mean(axis=0), logits.std(axis=0)
        scale = np.where(scale > 1e-9, scale, 1.0)
        design = _design(inputs, centre, scale)
        fitted = Logistic(self.penalties).fit(design, quality, weight, seed=seed)
        assert isinstance(fitted, FittedLinear)
        return FittedEncoderScores(centre, scale, fitted)


@register("fitted_estimator", "encoder")
@dataclass(frozen=True)
class FittedEncoderScores(Fitted):
    """``centre`` and ``scale`` (m,) of the logits, and the regression on them."""

    centre: FloatArray
    scale: FloatArray
    regression: FittedLinear

    def predict(self, inputs: Inputs) -> FloatArray:
        return self.regression.predict(_design(inputs, self.centre, self.scale))


def score_logits(inputs: Inputs) -> FloatArray:
    """(n, m) logits of the scores; (n, 0) where no model was asked."""
    if not isinstance(inputs, ScoredInputs):
        return np.zeros((len(inputs), 0))
    clipped = np.clip(inputs.scores, _EDGE, 1.0 - _EDGE)
    logits: FloatArray = np.log(clipped) - np.log1p(-clipped)
    return logits


def _design(inputs: Inputs, centre: FloatArray, scale: FloatArray) -> Inputs:
    dense = (score_logits(inputs) - centre) / scale
    return Inputs(dense, inputs.length, inputs.task)


def _scored(inputs: Inputs, scores: FloatArray) -> ScoredInputs:
    return ScoredInputs(**{f.name: getattr(inputs, f.name) for f in fields(Inputs)}, scores=scores)
