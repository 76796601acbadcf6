"""Turns the example stream into padded batches of about equal size, grouped by length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

import numpy as np
from numpy.typing import NDArray

from penstock.lab.corpus import STYLE_WEIGHTS, StyleWeights, examples
from penstock.runtime.tokenizer import Tokenizer

IGNORED = -100
"""Label of positions without loss: the prompt and the padding."""

_POOL = 2048
"""Examples drawn at a time; sorted by length, cut into batches, and the batches shuffled."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded token ids and labels, both int64 of shape (rows, length). Labels are not shifted."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]


def batches(
    tokenizer: Tokenizer,
    seed: int,
    level_weights: tuple[float, ...],
    batch_tokens: int,
    style_weights: StyleWeights = STYLE_WEIGHTS,
) -> Iterator[Batch]:
    """An endless stream of batches of at most `batch_tokens` tokens, padding included."""
    stream = examples(seed, level_weights, style_weights)
    rng = Random(f"penstock-batches-{seed}")  # noqa: S311 - reproducible draws, no secrets
    while True:
        rows = [_row(tokenizer, example.prompt, example.response) for example in islice(stream, _POOL)]
        rows.sort(key=lambda row: len(row[0]))
        pool = list(_cut(rows, batch_tokens))
        rng.shuffle(pool)
        for chunk in pool:
            yield _pad(tokenizer.pad_id, chunk)


def _row(tokenizer: Tokenizer, prompt: str, response: str) -> tuple[list[int], int]:
    """Token ids of one example and how many of them are the prompt."""
    asked = tokenizer.prompt_ids(prompt)
    return [*asked, *tokenizer.encode(response), tokenizer.end_id], len(asked)


def _cut(rows: list[tuple[list[int], int]], batch_tokens: int) -> Iterator[list[tuple[list[int], int]]]:
    chunk: list[tuple[list[int], int]] = []
    for row in rows:
        if chunk and (len(chunk) + 1) * len(row[0]) > batch_tokens:
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk


def _pad(pad_id: int, rows: list[tuple[list[int], int]]) -> Batch:
    length = max(len(ids) for ids, _ in rows)
    padded = np.full((len(rows), length), pad_id, dtype=np.int64)
    labels = np.full((len(rows), length), IGNORED, dtype=np.int64)
    for index, (ids, prompt_length) in enumerate(rows):
        padded[index, : len(ids)] = ids
        labels[index, prompt_length : len(ids)] = ids[prompt_length:]
    return Batch(padded, labels)
