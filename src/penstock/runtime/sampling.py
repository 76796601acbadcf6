"""The next token of every row, each from its own random stream."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from penstock.types import FloatArray, IntArray


def log_softmax(logits: FloatArray) -> FloatArray:
    """Natural-log probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def choose(
    log_probs: FloatArray, temperatures: FloatArray, top_ps: FloatArray, streams: Sequence[Generator]
) -> IntArray:
    """Choose one token per row.

    A row takes the most probable token at temperature 0. Otherwise it draws one uniform number from its own
    stream and inverts the cumulative distribution, so that a row's choices depend on its seed and its own
    probabilities only, never on what it is batched with.

    Args:
        log_probs: (B, vocabulary), at temperature 1; -inf forbids a token.
        temperatures: (B,), at least 0.
        top_ps: (B,) in (0, 1]; the smallest set of most probable tokens with at least this mass is kept.
        streams: B random generators; only those of sampled rows advance.
    """
    chosen: IntArray = log_probs.argmax(axis=1)
    sampled: IntArray = np.flatnonzero(temperatures > 0)
    if len(sampled) == 0:
        return chosen
    scaled = log_softmax(log_probs[sampled] / temperatures[sampled, None])
    order = np.argsort(-scaled, axis=1, kind="stable")
    mass = np.exp(np.take_along_axis(scaled, order, axis=1))
    before = np.cumsum(mass, axis=1) - mass
    mass[before >= top_ps[sampled, None]] = 0.0
    cumulative = np.cumsum(mass, axis=1)
    draws = np.array([streams[row].random() for row in sampled.tolist()]) * cumulative[:, -1]
    ranks = np.minimum((cumulative <= draws[:, None]).sum(axis=1), (mass > 0).sum(axis=1) - 1)
    chosen[sampled] = order[np.arange(len(sampled)), ranks]
    return chosen
