"""Training a router, read from top to bottom."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from penstock.training.hybrid import checkpoints
from penstock.training.hybrid.alignment import spearman
from penstock.training.hybrid.checkpoints import Standing
from penstock.training.hybrid.settings import HybridSettings
from penstock.types import FloatArray

Progress = Callable[[str, int, int, float], None]
"""Called as (what, step, steps, training loss)."""

_EVALUATION_BATCH = 64


@dataclass(frozen=True)
class Rows:
    """n tokenised prompts and their soft ``labels`` (n, m); ``gap`` (n, m) is the mean quality of each weaker
    model minus that of the strongest."""

    ids: tuple[tuple[int, ...], ...]
    labels: FloatArray
    gap: FloatArray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Trained:
    """``history`` has one entry per epoch: its training loss, and the validation loss and Spearman
    correlation."""

    history: tuple[dict[str, float], ...]
    best_epoch: int
    stopped_early: bool
    device: str
    precision: str


def train(
    network: Any,
    training: Rows,
    validation: Rows,
    settings: HybridSettings,
    *,
    pad_id: int,
    folder: Path,
    resume: bool,
    progress: Progress,
) -> Trained:
    """Train ``network`` in place and leave it with the weights of the best epoch.

    The loss is binary cross-entropy on soft labels, mean over rows and outputs. The best epoch has the
    largest Spearman correlation between logit and mean quality gap on validation rows (mean over outputs;
    ties go to the smaller loss, then to the earlier epoch). With one thread on one machine, a run that was
    interrupted and resumed from ``folder`` gives the same weights as one that was not.

    Raises InputError where ``resume`` finds a checkpoint of other settings or data.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    autocast, precision = _precision(settings, device)
    network.to(device).train()
    optimizer = _optimizer(network, settings)
    scaler = torch.amp.GradScaler(device, enabled=precision == "fp16")
    fingerprint = _fingerprint(training, validation, settings)
    total = len(_steps(len(training), settings, 0)) * settings.epochs
    standing, best = Standing(), None
    torch.manual_seed(settings.seed)
    if resume:
        standing, best = checkpoints.restore(folder, fingerprint, network, optimizer, scaler)

    def keep() -> None:
        checkpoints.save(folder, fingerprint, standing, network, optimizer, scaler, best)

    while standing.epoch < settings.epochs and not standing.stopped:
        steps = _steps(len(training), settings, standing.epoch)
        for batches in steps[standing.done :]:
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * _rate(standing.step, total, settings.warmup)
            for rows in batches:
                ids, mask = _padded([training.ids[i] for i in rows], pad_id, device)
                labels = torch.as_tensor(training.labels[rows], dtype=torch.float32, device=device)
                with autocast():
                    logits = network(ids, mask)
                loss = binary_cross_entropy_with_logits(logits.float(), labels)
                # every row of a step counts alike, also in the last, smaller batch
                scaler.scale(loss * (len(rows) / sum(map(len, batches)))).backward()
                standing.loss_sum += float(loss.detach()) * len(rows)
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            standing.step += 1
            standing.done += 1
            if standing.step % settings.save_steps == 0:
                keep()
            progress("train", standing.step, total, float(loss.detach()))
        entry = _validated(network, validation, pad_id, device, autocast)
        entry["training_loss"] = standing.loss_sum / len(training)
        standing.history.append(entry)
        if _is_better(entry, standing):
            standing.best_epoch = standing.epoch
            best = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
        waited = standing.epoch - standing.best_epoch
        standing.stopped = settings.patience is not None and waited >= settings.patience
        standing.epoch, standing.done, standing.loss_sum = standing.epoch + 1, 0, 0.0
        keep()
    assert best is not None
    network.load_state_dict(best)
    network.to("cpu").eval()
    progress("train", total, total, 0.0)
    return Trained(tuple(standing.history), standing.best_epoch, standing.stopped, device, precision)


@torch.no_grad()  # type: ignore[untyped-decorator] # torch is not typed here
def logits_of(
    network: Any,
    ids: Sequence[Sequence[int]],
    pad_id: int,
    *,
    device: str = "cpu",
    autocast: Callable[[], AbstractContextManager[Any]] | None = None,
) -> FloatArray:
    """(n, m) logits in evaluation mode; the network's mode is put back."""
    was_training = network.training
    network.eval()
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    found = np.empty((len(ids), network.head.out_features))
    for start in range(0, len(order), _EVALUATION_BATCH):
        rows = order[start : start + _EVALUATION_BATCH]
        batch, mask = _padded([ids[i] for i in rows], pad_id, device)
        with autocast() if autocast else torch.autocast(device, enabled=False):
            found[rows] = network(batch, mask).float().cpu().numpy()
    network.train(was_training)
    return found


def _validated(
    network: Any,
    validation: Rows,
    pad_id: int,
    device: str,
    autocast: Callable[[], AbstractContextManager[Any]],
) -> dict[str, float]:
    logits = logits_of(network, validation.ids, pad_id, device=device, autocast=autocast)
    # log(1 + e^z) - y z, without overflow
    loss = float((np.logaddexp(0.0, logits) - validation.labels * logits).mean())
    columns = range(logits.shape[1])
    return {
        "validation_loss": loss,
        "spearman": float(np.mean([spearman(logits[:, j], validation.gap[:, j]) for j in columns])),
    }


def _is_better(entry: dict[str, float], standing: Standing) -> bool:
    if standing.best_epoch < 0:
        return True
    best = standing.history[standing.best_epoch]
    return (entry["spearman"], -entry["validation_loss"]) > (best["spearman"], -best["validation_loss"])


def _steps(n: int, settings: HybridSettings, epoch: int) -> list[list[list[int]]]:
    """Rows of each forward pass of each step of an epoch, in an order of the epoch's own.

    A resumed epoch goes on where it was.
    """
    order = np.random.default_rng([settings.seed, epoch]).permutation(n).tolist()
    batches = [order[i : i + settings.batch] for i in range(0, n, settings.batch)]
    return [batches[i : i + settings.accumulation] for i in range(0, len(batches), settings.accumulation)]


def _padded(ids: Sequence[Sequence[int]], pad_id: int, device: str) -> tuple[Tensor, Tensor]:
    longest = max(map(len, ids))
    padded = torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in ids], dtype=torch.int64)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids], dtype=torch.int64)
    return padded.to(device), mask.to(device)


def _rate(step: int, total: int, warmup: float) -> float:
    """Share of the peak rate: linear up, then linear to 0."""
    warm = max(1, round(warmup * total))
    return (step + 1) / warm if step < warm else (total - step) / max(1, total - warm)


def _optimizer(network: Any, settings: HybridSettings) -> Any:
    """Weight decay acts on matrices only, as is usual."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate)
    from transformers.optimization import Adafactor

    return Adafactor(groups, lr=settings.learning_rate, scale_parameter=False, relative_step=False)


def _precision(
    settings: HybridSettings, device: str
) -> tuple[Callable[[], AbstractContextManager[Any]], str]:
    name = settings.precision
    if name == "auto":
        name = "fp16" if device == "cuda" else "fp32"
    if name == "fp16" and device == "cpu":
        from penstock.errors import InputError

        raise InputError("fp16 training needs a GPU", field="--precision", hint="Use auto, bf16 or fp32")
    kind = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[name]
    return (lambda: torch.autocast(device, dtype=kind, enabled=name != "fp32")), name


def _fingerprint(training: Rows, validation: Rows, settings: HybridSettings) -> str:
    """Of everything that decides a run but where it is kept."""
    digest = sha256(json.dumps({**asdict(settings), "save_steps": 0}, sort_keys=True).encode())
    for rows in (training, validation):
        digest.update(json.dumps(rows.ids).encode())
        digest.update(np.ascontiguousarray(rows.labels).tobytes())
        digest.update(np.ascontiguousarray(rows.gap).tobytes())
    return digest.hexdigest()


def tokenise(tokenizer: Any, prompts: Sequence[str], max_length: int) -> tuple[tuple[int, ...], ...]:
    """Token ids of prompts, cut to ``max_length`` as they will be when serving."""
    tokenizer.enable_truncation(max_length)
    encoded = [tuple(e.ids) for e in tokenizer.encode_batch(list(prompts))]
    tokenizer.no_truncation()
    return tuple(encoded)
