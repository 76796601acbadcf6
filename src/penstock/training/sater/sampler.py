"""Samples responses from a network in batches, dropping rows as they finish.

Hugging Face's `generate` carries finished rows along until the longest of a batch has ended; on the embedded
models, whose responses differ in length by a factor of ten, dropping them is three to six times as fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from penstock.errors import InputError
from penstock.training.sater.trainee import Trainee

if TYPE_CHECKING:
    from torch import Generator, Tensor

Tell = Callable[[int, int], None]
"""Called as (rows finished, rows in all)."""

COMPACT_BELOW = 0.8
"""Finished rows are dropped when less than this share of a batch still runs: copying the cache costs about as
much as a step."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How responses are drawn. `temperature` 0 takes the most probable token; `k` samples per prompt."""

    k: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 1024
    rows: int = 256
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """One drawn response.

    Attributes:
        text: without the end mark.
        tokens: generated, the end mark included: what is decoded is paid for.
        logprob: mean natural-log probability per token at temperature 1.
        ended: False where the token limit cut it off.
    """

    text: str
    tokens: int
    logprob: float
    ended: bool


class Sampler(Protocol):
    """Anything that draws responses; results are in the order of the prompts, `k` for each."""

    def __call__(
        self, prompts: Sequence[str], decoding: Decoding, tell: Tell | None = None
    ) -> list[list[Response]]: ...


@dataclass(frozen=True)
class TorchSampler:
    """Samples with the network itself, on its own device."""

    trainee: Trainee

    def __call__(
        self, prompts: Sequence[str], decoding: Decoding, tell: Tell | None = None
    ) -> list[list[Response]]:
        """The same prompts, weights and settings give the same responses on one device.

        Raises:
            InputError: a prompt that leaves no room for an answer.
        """
        import torch

        ids = self.trainee.prompt_ids(prompts)
        self._check(ids)
        device = self.trainee.network.device
        generator = torch.Generator(device=device).manual_seed(decoding.seed)
        found: list[list[Response]] = [[] for _ in prompts]
        order = sorted(range(len(ids)), key=lambda index: (len(ids[index]), index))
        rows = [index for index in order for _ in range(decoding.k)]
        with torch.inference_mode():
            for start in range(0, len(rows), decoding.rows):
                chunk = rows[start : start + decoding.rows]
                batch = _Batch(self.trainee, [ids[index] for index in chunk], decoding, generator)
                for index, response in zip(chunk, batch.responses(), strict=True):
                    found[index].append(response)
                if tell is not None:
                    tell(start + len(chunk), len(rows))
        return found

    def _check(self, ids: Sequence[Sequence[int]]) -> None:
        longest = max((len(row) for row in ids), default=0)
        if longest >= self.trainee.context:
            raise InputError(
                f"a prompt has {longest} tokens and {self.trainee.name} holds {self.trainee.context}",
                field="--data",
                hint="Shorten or drop such queries.",
            )


class _Batch:
    """The decoding loop of one batch."""

    def __init__(
        self, trainee: Trainee, prompts: Sequence[Sequence[int]], decoding: Decoding, generator: Generator
    ) -> None:
        import torch

        self.trainee, self.decoding, self.generator = trainee, decoding, generator
        device = trainee.network.device
        longest = max(map(len, prompts))
        pad = trainee.tokenizer.pad_token_id
        padded = [[pad] * (longest - len(row)) + list(row) for row in prompts]
        self.ids = torch.tensor(padded, device=device)
        lengths = torch.tensor([len(row) for row in prompts], device=device)
        self.mask = (torch.arange(longest, device=device) >= longest - lengths[:, None]).long()
        self.limit = min(decoding.max_new_tokens, trainee.context - longest)
        self.forbidden = torch.tensor(trainee.forbidden, dtype=torch.long, device=device)
        shape = (len(prompts), self.limit)
        self.out = torch.full(shape, trainee.end_id, device=device)
        self.logprob = torch.zeros(len(prompts), device=device)
        self.length = torch.full((len(prompts),), self.limit, device=device)
        self.ended = torch.zeros(len(prompts), dtype=torch.bool, device=device)

    def responses(self) -> Iterator[Response]:
        """Run to the end."""
        self._run()
        out, length = self.out.tolist(), self.length.tolist()
        texts = self.trainee.texts([row[:n] for row, n in zip(out, length, strict=True)])
        for text, n, total, ended in zip(
            texts, length, self.logprob.tolist(), self.ended.tolist(), strict=True
        ):
            yield Response(text, n, total / n, ended)

    def _run(self) -> None:
        import torch
        from transformers import DynamicCache

        network = self.trainee.network
        cache = DynamicCache(config=network.config)
        active = torch.arange(len(self.ids), device=self.ids.device)
        new, mask = self.ids, self.mask
        position = (mask.cumsum(1) - 1).clamp(min=0)
        for step in range(self.limit):
            logits = network(
                input_ids=new,
                attention_mask=mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            chosen, logprob = self._choose(logits.float())
            running = ~self.ended[active]
            self.out[active, step] = chosen
            self.logprob[active] += torch.where(running, logprob, 0.0)
            stopped = running & (chosen == self.trainee.end_id)
            self.length[active[stopped]] = step + 1
            self.ended[active[stopped]] = True
            running &= ~stopped
            alive = int(running.sum())
            if alive == 0:
                return
            new, position = chosen[:, None], position[:, -1:] + 1
            if alive < COMPACT_BELOW * len(active):
                kept = running.nonzero()[:, 0]
                cache.batch_select_indices(kept)
                active, new, position, mask = active[kept], new[kept], position[kept], mask[kept]
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)

    def _choose(self, logits: Tensor) -> tuple[Tensor, Any]:
        """The next token of every row, and its log-probability at temperature 1."""
        import torch

        logprobs = logits.log_softmax(-1)
        allowed = logprobs.index_fill(1, self.forbidden, -torch.inf)
        if self.decoding.temperature == 0:
            chosen = allowed.argmax(-1)
        else:
            weights = (allowed / self.decoding.temperature).softmax(-1)
            if self.decoding.top_p < 1:
                weights = _nucleus(weights, self.decoding.top_p)
            chosen = torch.multinomial(weights, 1, generator=self.generator)[:, 0]
        return chosen, logprobs.gather(1, chosen[:, None])[:, 0]


def _nucleus(weights: Tensor, top_p: float) -> Tensor:
    """The smallest set of most probable tokens with at least mass `top_p`; the rest become zero."""
    ordered, index = weights.sort(-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    return weights.scatter(-1, index, ordered.masked_fill(before >= top_p, 0.0))
