"""Trained routers of the Hybrid LLM experiment: one job each, on as many processes as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from penstock.errors import MissingExtra
from penstock.runtime.text_model import OnnxTextModel
from penstock.training.hybrid.labels import label
from penstock.training.hybrid.samples import Samples
from penstock.training.hybrid.settings import HybridSettings, Labels, settings_for
from penstock.types import FloatArray

ENCODER = "embedded:small"
"""Reads prompts with the small model's own hidden states, fine-tuned."""

Job = TypeVar("Job")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Parts:
    """What is trained on, what chooses the epoch and the threshold, and what is reported."""

    training: Samples
    validation: Samples
    test: Samples


@dataclass(frozen=True)
class Task:
    """One router: ``small`` against ``large``, on the first ``rows`` training queries."""

    parts: Parts
    small: str
    large: str
    labels: Labels
    seed: int
    rows: int


@dataclass(frozen=True)
class Router:
    """Scores (n,) of validation and test queries: logits of "the weaker model will do"."""

    t: float
    validation: FloatArray
    test: FloatArray


def train_router(task: Task) -> Router:
    """Label, train and score."""
    made = _trained(task, _settings(task))
    network, parts, t = made
    from penstock.training.hybrid.loop import logits_of, tokenise

    scores = [
        logits_of(network, tokenise(parts.tokenizer, s.prompts, 128), parts.pad_id)[:, 0]
        for s in (task.parts.validation, task.parts.test)
    ]
    return Router(t, *scores)


def exported_router(task: Task) -> OnnxTextModel:
    """The same, as the gateway would run it."""
    from penstock.training.hybrid.export import export

    network, parts, _ = _trained(replace(task, rows=min(task.rows, 64)), replace(_settings(task), epochs=1))
    with TemporaryDirectory() as folder:
        return export(
            network,
            parts.tokenizer,
            Path(folder),
            pad_id=parts.pad_id,
            max_length=128,
            outputs=[task.small],
            prompts=task.parts.validation.prompts,
        )


def in_parallel(work: Callable[[Job], Made], jobs: Iterable[Job], workers: int) -> list[Made]:
    """``work`` of every job, in order; in this process where there is one worker."""
    if workers == 1:
        return [work(job) for job in jobs]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, jobs))


def need_torch() -> None:
    """Raises MissingExtra where routers cannot be trained."""
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra("train", "the experiment hybrid") from error
    torch.set_num_threads(1)


def cores() -> int:
    """Processes worth starting."""
    return max(1, min(2, os.cpu_count() or 1))


def _settings(task: Task) -> HybridSettings:
    return settings_for(ENCODER, labels=task.labels, seed=task.seed)


def _trained(task: Task, settings: HybridSettings) -> tuple[Any, Any, float]:
    need_torch()
    from penstock.training.hybrid.loop import Rows, tokenise, train
    from penstock.training.hybrid.network import load_parts, new_network

    pair: Sequence[str] = (task.small,)
    training = task.parts.training.rows(_first(task.rows))
    learned = label(training, pair, task.large, task.labels)
    checked = label(task.parts.validation, pair, task.large, task.labels, learned.t)
    parts = load_parts(settings, training.prompts)
    network = new_network(parts, 1, settings)

    def rows(samples: Samples, values: FloatArray) -> Rows:
        gap = gap_of(samples, task.small, task.large)[:, None]
        return Rows(tokenise(parts.tokenizer, samples.prompts, settings.max_length), values, gap)

    with TemporaryDirectory() as folder:
        train(
            network,
            rows(training, learned.values),
            rows(task.parts.validation, checked.values),
            settings,
            pad_id=parts.pad_id,
            folder=Path(folder),
            resume=False,
            progress=lambda what, step, steps, loss: None,
        )
    return network, parts, learned.t[0]


def gap_of(samples: Samples, small: str, large: str) -> FloatArray:
    """(n,) mean quality of the weaker model minus that of the stronger."""
    gap: FloatArray = samples.of(small).mean(axis=1) - samples.of(large).mean(axis=1)
    return gap


def _first(rows: int) -> Any:
    import numpy as np

    return np.arange(rows)
