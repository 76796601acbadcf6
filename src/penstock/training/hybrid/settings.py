"""What can be set about training a router, complete: these settings, the data and the seed determine it.

Sources of the defaults: [P] the paper; [C] the authors' later public code (the paper does not say);
[O] ours, where neither says.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from penstock.errors import InputError

Labels = Literal["det", "prob", "trans"]
Pooling = Literal["first", "mean", "last"]
Optimizer = Literal["adafactor", "adamw"]
Precision = Literal["auto", "fp16", "bf16", "fp32"]

SCRATCH = "scratch"
EMBEDDED = "embedded:"
"""``embedded:small``: the hidden states of a shipped language model."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """The small encoder that is trained from scratch: a BERT with a byte-level BPE vocabulary of its own [O].

    ``vocabulary`` is learned from the training prompts; ``width``, ``layers``, ``heads`` and ``hidden`` (the
    feed-forward width) are the network's dimensions.
    """

    vocabulary: int = 2000
    width: int = 96
    layers: int = 3
    heads: int = 4
    hidden: int = 256


@dataclass(frozen=True, slots=True)
class HybridSettings:
    """Settings of one router. The defaults are the paper's.

    ``encoder``: a Hugging Face checkpoint by name or path, ``scratch``, or ``embedded:NAME``.
    ``pooling``: the head reads the first token's state, the mean of all, or the last one's.
    ``batch`` prompts per forward pass and ``accumulation`` passes per step. ``patience``: epochs without a
    better validation score before training stops; None never stops early. ``precision`` ``auto`` is fp16 on a
    GPU and fp32 elsewhere. ``save_steps``: steps between checkpoints inside an epoch.
    """

    encoder: str = "microsoft/deberta-v3-large"  # [P]
    labels: Labels = "trans"  # [P] the best of the three where the gap is large
    epochs: int = 5  # [P]
    learning_rate: float = 1e-5  # [C]
    warmup: float = 0.05  # [C] share of steps with a rising rate, then linear to 0 [C]
    weight_decay: float = 0.1  # [C]
    optimizer: Optimizer = "adafactor"  # [C] fixed rate, no relative steps, no parameter scaling
    dropout: float = 0.05  # [C] before the head
    batch: int = 8  # [C]
    accumulation: int = 16  # [C]
    max_length: int = 128  # [C] tokens
    clip: float = 1.0  # [C] the trainer's default
    precision: Precision = "auto"  # [C] fp16 on a GPU
    pooling: Pooling = "first"  # [C] reads a special token put in front; ours is the encoder's own
    patience: int | None = 2  # [O] the paper trains all epochs and keeps the best
    save_steps: int = 500  # [O]
    seed: int = 42  # [C]
    scratch: Scratch = Scratch()  # [O]

    def __post_init__(self) -> None:
        for name, kind in (
            ("labels", Labels),
            ("pooling", Pooling),
            ("optimizer", Optimizer),
            ("precision", Precision),
        ):
            if getattr(self, name) not in get_args(kind):
                known = ", ".join(get_args(kind))
                raise InputError(f"must be one of {known}, not {getattr(self, name)!r}", field=name)
        for name in ("epochs", "batch", "accumulation", "save_steps", "max_length"):
            if getattr(self, name) < 1:
                raise InputError(f"must be at least 1, not {getattr(self, name)}", field=name)
        if not self.learning_rate > 0:
            raise InputError(f"must be above 0, not {self.learning_rate}", field="learning_rate")
        if not 0 <= self.dropout < 1 or not 0 <= self.warmup < 1:
            raise InputError("dropout and warmup are shares below 1")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"must be at least 1, not {self.patience}", field="patience")


PAPER = HybridSettings()

SMALL = replace(
    PAPER,
    encoder=SCRATCH,
    epochs=30,
    learning_rate=1e-3,
    weight_decay=0.01,
    optimizer="adamw",
    dropout=0.1,
    batch=32,
    accumulation=1,
    pooling="mean",
    patience=6,
)
"""For an encoder from scratch: minutes on two cores, no network [O]."""

HIDDEN_STATES = replace(SMALL, epochs=12, learning_rate=3e-4, pooling="last", patience=4)
"""For the embedded models' hidden states [O]: causal, so the last token has read everything."""


def settings_for(encoder: str, **changes: object) -> HybridSettings:
    """The settings that suit an encoder, with those ``changes`` that are not None.

    Raises InputError for a value out of range.
    """
    base = SMALL if encoder == SCRATCH else HIDDEN_STATES if encoder.startswith(EMBEDDED) else PAPER
    known = {field.name for field in fields(HybridSettings)}
    given = {name: value for name, value in changes.items() if value is not None}
    unknown = set(given) - known
    if unknown:
        raise InputError(f"there is no setting {sorted(unknown)[0]!r}; there are {', '.join(sorted(known))}")
    return replace(base, encoder=encoder, **given)  # type: ignore[arg-type] # names were checked
