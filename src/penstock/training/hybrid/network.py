"""The encoder, its tokenizer and a head of one score per weaker model, in torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from penstock.errors import InputError
from penstock.training.hybrid.settings import EMBEDDED, SCRATCH, HybridSettings, Pooling, Scratch


@dataclass(frozen=True)
class Parts:
    """An encoder before training: ``tokenizer`` truncates nothing and pads nothing."""

    backbone: Any
    tokenizer: Tokenizer
    pad_id: int
    width: int


class ScoreNetwork(nn.Module):  # type: ignore[misc] # torch is not typed here
    """``forward`` gives the logits (rows, m) of the scores."""

    def __init__(self, backbone: Any, width: int, outputs: int, *, dropout: float, pooling: Pooling) -> None:
        super().__init__()
        self.backbone, self.pooling = backbone, pooling
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)
        # the scores begin at one half everywhere, so that the first steps move them and not noise
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.head(self.dropout(self._pooled(states, attention_mask)))

    def _pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        if self.pooling == "first":
            return states[:, 0]
        weights = mask.unsqueeze(-1).to(states.dtype)
        if self.pooling == "last":  # the position where the count of real tokens reaches its end
            ends = (mask.cumsum(1) == mask.sum(1, keepdim=True)) & (mask == 1)
            weights = ends.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1.0)


def load_parts(settings: HybridSettings, prompts: Sequence[str]) -> Parts:
    """The encoder ``settings`` names; ``prompts`` (of training rows) teach a scratch one its vocabulary.

    Raises InputError where a checkpoint cannot be loaded or has no fast tokenizer.
    """
    torch.manual_seed(settings.seed)
    if settings.encoder == SCRATCH:
        return _scratch(settings.scratch, prompts, settings)
    if settings.encoder.startswith(EMBEDDED):
        return _embedded(settings.encoder.removeprefix(EMBEDDED))
    return _pretrained(settings.encoder)


def new_network(parts: Parts, outputs: int, settings: HybridSettings) -> ScoreNetwork:
    """The encoder with a fresh head."""
    torch.manual_seed(settings.seed)
    return ScoreNetwork(
        parts.backbone, parts.width, outputs, dropout=settings.dropout, pooling=settings.pooling
    )


def _scratch(shape: Scratch, prompts: Sequence[str], settings: HybridSettings) -> Parts:
    from transformers import BertConfig, BertModel

    tokenizer = train_tokenizer(prompts, shape.vocabulary)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.hidden,
        max_position_embeddings=settings.max_length,
        hidden_dropout_prob=settings.dropout,
        attention_probs_dropout_prob=settings.dropout,
        pad_token_id=0,
    )
    return Parts(BertModel(config, add_pooling_layer=False), tokenizer, 0, shape.width)


def train_tokenizer(prompts: Sequence[str], size: int) -> Tokenizer:
    """A byte-level BPE tokenizer learned from prompts; every text has tokens, and begins with ``[CLS]``."""
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["[PAD]", "[CLS]"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(prompts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]"))]
    )
    return tokenizer


def _embedded(name: str) -> Parts:
    """A shipped language model without its output layer, reading a framed request."""
    from tokenizers import processors

    from penstock.lab.checkpoint import load_torch
    from penstock.lab.words import BOT, PAD, USER
    from penstock.runtime.shipped import model_path

    network = load_torch(name)
    tokenizer = Tokenizer.from_file(str(model_path(name).parent / "tokenizer.json"))
    marks = [(mark, tokenizer.token_to_id(mark)) for mark in (USER, BOT)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{USER} $A {BOT}", special_tokens=marks)
    network.model.config.use_cache = False
    return Parts(network.model, tokenizer, int(tokenizer.token_to_id(PAD) or 0), network.config.hidden_size)


def _pretrained(checkpoint: str) -> Parts:
    from transformers import AutoModel, AutoTokenizer

    try:
        fast = AutoTokenizer.from_pretrained(checkpoint)
        backbone = AutoModel.from_pretrained(checkpoint, dtype=torch.float32)
    except (OSError, ValueError, ImportError) as error:
        hint = "Give a folder with a checkpoint, or --encoder scratch, which needs no download"
        first = str(error).strip().splitlines()[0]
        raise InputError(f"{checkpoint!r} cannot be loaded: {first}", field="--encoder", hint=hint) from error
    raw = getattr(fast, "backend_tokenizer", None)
    if raw is None or fast.pad_token_id is None:
        raise InputError(f"{checkpoint!r} has no fast tokenizer with a padding token", field="--encoder")
    tokenizer = Tokenizer.from_str(raw.to_str())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Parts(backbone, tokenizer, int(fast.pad_token_id), int(backbone.config.hidden_size))
