"""BARTScore (Yuan, Neubig & Liu, NeurIPS 2021): the quality Hybrid LLM is trained on.

The mean log-probability per token that a BART, having read the response, gives the reference. The checkpoint
is not stated in the Hybrid LLM paper; ``facebook/bart-large-cnn`` is what its data's own scorer begins with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from penstock.errors import InputError
from penstock.outcomes.likelihood import Case
from penstock.types import FloatArray

CHECKPOINT = "facebook/bart-large-cnn"
BATCH = 16


class BartScore:
    """Scores references with a BART (``outcomes.likelihood.Likelihood``). Prompts are not read.

    Tokens beyond ``max_length`` of a response or a reference are left out. As in the original, the mean is
    over all of the reference's tokens, its begin and end marks included.
    """

    def __init__(self, model: Any, tokenizer: Any, *, max_length: int = 1024, batch: int = BATCH) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model, self.tokenizer = model.to(self.device).eval(), tokenizer
        self.max_length = min(max_length, int(model.config.max_position_embeddings))
        self.batch = batch

    @classmethod
    def load(cls, checkpoint: str | Path = CHECKPOINT, *, max_length: int = 1024) -> BartScore:
        """A BART by name or folder. Raises InputError where there is none."""
        from transformers import AutoTokenizer, BartForConditionalGeneration

        try:
            tokenizer = AutoTokenizer.from_pretrained(checkpoint)
            model = BartForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32)
        except (OSError, ValueError, ImportError) as error:
            first = str(error).strip().splitlines()[0]
            hint = "Give the folder of a BART checkpoint"
            raise InputError(f"{str(checkpoint)!r} cannot be loaded: {first}", hint=hint) from error
        return cls(model, tokenizer, max_length=max_length)

    def log_likelihoods(self, cases: Sequence[Case]) -> FloatArray:
        """(n,) mean natural-log probability per token of each reference given the response."""
        order = sorted(range(len(cases)), key=lambda i: len(cases[i].response))
        found = np.empty(len(cases))
        for start in range(0, len(order), self.batch):
            rows = order[start : start + self.batch]
            found[rows] = self._batch([cases[i] for i in rows])
        return found

    @torch.no_grad()  # type: ignore[untyped-decorator] # torch is not typed here
    def _batch(self, cases: Sequence[Case]) -> FloatArray:
        source = self._tokens([case.response for case in cases])
        target = self._tokens([case.reference for case in cases])
        logits = self.model(
            input_ids=source["input_ids"], attention_mask=source["attention_mask"], labels=target["input_ids"]
        ).logits
        given = torch.log_softmax(logits.float(), dim=-1)
        scores = given.gather(-1, target["input_ids"].unsqueeze(-1)).squeeze(-1)
        mask = target["attention_mask"]
        means: FloatArray = ((scores * mask).sum(1) / mask.sum(1)).double().cpu().numpy()
        return means

    def _tokens(self, texts: list[str]) -> dict[str, Tensor]:
        encoded = self.tokenizer(
            texts, max_length=self.max_length, truncation=True, padding=True, return_tensors="pt"
        )
        return {name: encoded[name].to(self.device) for name in ("input_ids", "attention_mask")}
