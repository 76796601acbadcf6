"""Pre-training, read from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from penstock.lab.batches import IGNORED, Batch, batches
from penstock.lab.network import new_network
from penstock.lab.recipe import Recipe
from penstock.lab.shape import Shape
from penstock.runtime.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import LlamaForCausalLM

Progress = Callable[[str, int, int, float], None]
"""Called as (what, step, steps, training loss)."""


def train(recipe: Recipe, tokenizer: Tokenizer, *, seed: int, progress: Progress) -> LlamaForCausalLM:
    """Train one model from scratch on the CPU.

    Muon takes the hidden matrices (at these budgets it decides between learning the task and not), AdamW the
    embedding and the norms. Where the CPU has bf16 instructions, matrix products use them under autocast; the
    weights stay fp32 either way.

    Args:
        recipe: dimensions, schedule and data mixture.
        tokenizer: the one the shipped models use.
        seed: of weights and data. On one machine with one thread (OMP_NUM_THREADS=1) the same seed gives the
            same weights bit for bit; with several, the order of sums differs from run to run.
        progress: told after every step.

    Returns:
        The trained network in eval mode.
    """
    import torch
    from torch.nn.functional import cross_entropy

    torch.manual_seed(seed)
    network = new_network(Shape.of(recipe, tokenizer.size), tokenizer)
    network.train()
    matrices, others = _split_parameters(network)
    optimizers = (
        torch.optim.Muon(
            matrices,
            lr=recipe.muon_rate,
            momentum=recipe.muon_momentum,
            weight_decay=recipe.weight_decay,
            adjust_lr_fn="original",
        ),
        torch.optim.AdamW(others, lr=recipe.adam_rate, betas=recipe.adam_betas, weight_decay=0.0, fused=True),
    )
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
        for optimizer in optimizers
    ]
    autocast = _has_bf16()
    for step, batch in enumerate(_data(recipe, tokenizer, seed), start=1):
        ids = torch.from_numpy(batch.ids)
        labels = torch.from_numpy(batch.labels)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            # Padding is on the right, so the causal mask alone keeps real tokens from seeing it.
            hidden = network.model(input_ids=ids, use_cache=False).last_hidden_state
            answered = labels[:, 1:] != IGNORED
            logits = network.lm_head(hidden[:, :-1][answered])
        loss = cross_entropy(logits.float(), labels[:, 1:][answered])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
        progress(f"train {recipe.name}", step, recipe.steps, loss.item())
    network.eval()
    return network


def _data(recipe: Recipe, tokenizer: Tokenizer, seed: int) -> Iterator[Batch]:
    """The batches of all phases, one after the other; each phase has a data seed of its own."""
    for index, phase in enumerate(recipe.phases):
        stream = batches(
            tokenizer,
            1000 * seed + index,
            phase.level_weights,
            recipe.batch_tokens,
            recipe.style_weights,
        )
        for _, batch in zip(range(phase.steps), stream, strict=False):
            yield batch


def _rate(step: int, recipe: Recipe) -> float:
    """Share of the peak rate: linear warm-up, the peak for a while, then a cosine to 2%."""
    warm = max(1, round(recipe.warmup * recipe.steps))
    if step < warm:
        return (step + 1) / warm
    held = max(warm, round(recipe.hold * recipe.steps))
    done = max(0, step - held) / max(1, recipe.steps - held)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _split_parameters(network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Hidden matrices, and everything else (tied embedding, norms)."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in network.named_parameters():
        (matrices if parameter.ndim == 2 and ".layers." in name else others).append(parameter)
    return matrices, others


def _has_bf16() -> bool:
    """Whether the CPU multiplies bf16 natively; where it does not, autocast would be slower than fp32."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(flag) for flag in ("avx512_bf16", "amx_bf16", "bf16"))
