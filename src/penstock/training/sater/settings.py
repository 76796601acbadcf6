"""The settings of every stage. Each default says where it is from.

The paper (SATER, EMNLP 2025) prints no sample counts, rates or coefficients that we could
verify; "ours" marks our specification for models of billions of parameters, "measured" what we found on the
embedded models (docs/sater.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isfinite

from penstock.errors import InputError

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How responses are drawn before each stage.

    Attributes:
        k: samples per question; ours.
        temperature, top_p: ours.
        max_new_tokens: ours; cut to what the context has room for.
        rows: sequences decoded at once; measured on two cores (throughput is flat from 128 to 512).
    """

    k: int = 10
    temperature: float = 1.0
    top_p: float = 0.95
    max_new_tokens: int = 1024
    rows: int = 256


@dataclass(frozen=True, slots=True)
class Tuning:
    """What both kinds of fine-tuning share.

    Attributes:
        rate: peak learning rate; a cosine follows.
        epochs, batch: passes over the data and rows per step.
        warmup: share of steps with a rising rate; ours.
        lora: train low-rank adapters on all linear layers instead of all weights.
        rank, alpha: of the adapters; ours.
    """

    rate: float
    epochs: float
    batch: int
    warmup: float = 0.1
    lora: bool = True
    rank: int = 16
    alpha: int = 32


@dataclass(frozen=True, slots=True)
class StageOne:
    """Direct preference optimisation on (shortest correct, longest incorrect).

    Attributes:
        tuning: ours: LoRA, 2e-5, one epoch.
        beta: strength of the pull to the reference model; ours, TRL's default too.
        nll: weight of the chosen responses' likelihood beside the preference loss; ours: 0, more if accuracy
            falls.
        all_correct: all-correct questions give the shortest over the longest correct response. Ours: not, as
            the paper's rule is.
        longer_by: the rejected response must be so many times as long; 0 is the paper's rule.
        least_correct: a pair needs so many correct samples; 1 is the paper's rule.
        per_question: pairs a question gives at most; 1 is the paper's rule.
        preference: weight of the preference loss; 1 is the paper's.
        members: train so many times from the same start, each in an order of its own, and average the
            weights (a model soup, Wortsman et al. 2022); 1 is the paper's. Measured: on a small model the
            average loses a third of the accuracy that one member loses.
    """

    tuning: Tuning = Tuning(rate=2e-5, epochs=1, batch=16)
    beta: float = 0.1
    nll: float = 0.0
    all_correct: bool = False
    longer_by: float = 0.0
    least_correct: int = 1
    per_question: int = 1
    preference: float = 1.0
    members: int = 1


@dataclass(frozen=True, slots=True)
class StageTwo:
    """Supervised fine-tuning on prompts that state a confidence threshold.

    Attributes:
        tuning: ours: LoRA, 5e-5, two epochs.
        thresholds: the paper's.
        per_question: thresholds each question is asked at; ours 2 to 3, measured: 6 of 10.
        plain: one row without a threshold per question; measured: without it refusals leak into plain
            prompts.
        refusals: bounds of the share of refusals; ours.
        temperature: of the samples that measure confidence; None: that of all samples. Measured: of a model
            sure of itself all or none of ten are right at a low one, and the threshold then teaches nothing.
        questions: sample and train on at most so many questions, drawn at random; None: all.
    """

    tuning: Tuning = Tuning(rate=5e-5, epochs=2, batch=16)
    thresholds: tuple[float, ...] = THRESHOLDS
    per_question: int = 3
    plain: bool = True
    refusals: tuple[float, float] = (0.4, 0.6)
    questions: int | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Sater:
    """The whole run. `evaluation_share` of the questions is kept out of training and answered before and
    after each stage; 0 skips that; ours."""

    sampling: Sampling = field(default_factory=Sampling)
    stage_one: StageOne = field(default_factory=StageOne)
    stage_two: StageTwo = field(default_factory=StageTwo)
    evaluation_share: float = 0.1
    seed: int = 0

    @property
    def second_sampling(self) -> Sampling:
        """How the responses that Stage II learns from are drawn."""
        temperature = self.stage_two.temperature
        return self.sampling if temperature is None else replace(self.sampling, temperature=temperature)


EMBEDDED = Sater(
    sampling=Sampling(temperature=0.6, top_p=1.0, max_new_tokens=256),
    stage_one=StageOne(
        Tuning(rate=2e-4, epochs=2, batch=32, lora=False),
        nll=1.0,
        preference=0.1,
        members=3,
        all_correct=True,
        longer_by=1.2,
    ),
    stage_two=StageTwo(Tuning(rate=1e-3, epochs=2, batch=32, lora=False), per_question=6, temperature=1.0),
)
"""For the embedded models; every value that differs was measured on development questions (docs/sater.md)."""


def adjusted(
    *,
    embedded: bool,
    seed: int = 0,
    k: int | None = None,
    temperature: float | None = None,
    max_new_tokens: int | None = None,
    lora: bool | None = None,
    rate_one: float | None = None,
    rate_two: float | None = None,
    batch: int | None = None,
) -> Sater:
    """The settings for a kind of model, with what the user gave in place of the defaults (None: the default).

    Raises:
        InputError: a value out of range.
    """
    base = EMBEDDED if embedded else Sater()

    def tuned(tuning: Tuning, rate: float | None) -> Tuning:
        return replace(
            tuning,
            rate=_above_zero(rate, tuning.rate, "rate"),
            lora=tuning.lora if lora is None else lora,
            batch=int(_above_zero(batch, tuning.batch, "--batch")),
        )

    sampling = replace(
        base.sampling,
        k=int(_above_zero(k, base.sampling.k, "--samples")),
        temperature=_above_zero(temperature, base.sampling.temperature, "--temperature"),
        max_new_tokens=int(_above_zero(max_new_tokens, base.sampling.max_new_tokens, "--max-tokens")),
    )
    return replace(
        base,
        sampling=sampling,
        stage_one=replace(base.stage_one, tuning=tuned(base.stage_one.tuning, rate_one)),
        stage_two=replace(base.stage_two, tuning=tuned(base.stage_two.tuning, rate_two)),
        seed=seed,
    )


def _above_zero(given: float | None, default: float, field: str) -> float:
    if given is None:
        return default
    if not (isfinite(given) and given > 0):
        raise InputError(f"must be above 0, got {given}", field=field)
    return given
