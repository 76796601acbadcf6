"""Queries answered by a law of answers that is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import Answer, FloatArray, IntArray, Query, Usage

SKILL = np.array([0.2, 0.4, 0.5, 2.2])
COST = np.array([1.0, 1.3, 1.6, 40.0]) * 1e-4


@dataclass(frozen=True)
class Quiz:
    """n queries with right (n, k) and answer codes (n, k): 0 is the right answer, wrong ones are 1 to 5."""

    right: FloatArray
    code: IntArray

    @property
    def ex_ante(self) -> FloatArray:
        """(n, k) everybody's mean: prompts say nothing."""
        return np.tile(self.right.mean(axis=0), (len(self.right), 1))


def quiz(n: int, *, seed: int = 0, load: float = 1.5, traps: float = 0.0) -> Quiz:
    """Difficulty is shared (``load``); in ``traps`` everybody gives the same wrong answer."""
    rng = np.random.default_rng(seed)
    odds = SKILL + load * rng.standard_normal((n, 1))
    trap = rng.random(n) < traps
    right = (rng.random((n, 4)) < 1 / (1 + np.exp(-odds))) & ~trap[:, None]
    wrong = np.where(trap[:, None], 1, rng.integers(1, 6, (n, 4)))
    return Quiz(right.astype(float), np.where(right, 0, wrong))


def quiz_grid(n: int, *, seed: int = 0) -> OutcomeMatrix:
    """The same as a grid whose answers are text."""
    made = quiz(n, seed=seed)
    names = ("tiny", "small", "middle", "large")

    def answer(i: int, j: int) -> Answer:
        text = f"{'Let me think. ' * 5}The answer is {10 + int(made.code[i, j])}."
        return Answer(names[j], text, usage=Usage(10, 20), cost_usd=float(COST[j]))

    return OutcomeMatrix(
        queries=tuple(
            Query.from_prompt(f"q{seed}-{i}", f"question {i % 7} of many", task="t") for i in range(n)
        ),
        candidates=names,
        quality=made.right,
        cost=np.tile(COST, (n, 1)),
        propensity=np.ones((n, 4)),
        answer_of=answer,
    )


_WORDS = ("well", "so", "to my mind", "clearly", "on the whole", "at last", "in short", "perhaps", "frankly")


def open_grid(n: int, *, seed: int = 0) -> OutcomeMatrix:
    """The same in open text: what an answer means stands somewhere in words that no two answers share."""
    grid, made = quiz_grid(n, seed=seed), quiz(n, seed=seed)
    order = np.random.default_rng(seed).integers(0, len(_WORDS), (n, 4, 6))

    def answer(i: int, j: int) -> Answer:
        words = " ".join(_WORDS[w] for w in order[i, j])
        return replace(grid.answer_of(i, j), text=f"{words} , meaning{made.code[i, j]} , said {i} of {j}")

    return replace(grid, answer_of=answer)


@dataclass(frozen=True)
class Gist:
    """An embedder that knows what is meant, up to a little noise; where it is ``deaf`` it knows nothing."""

    deaf: bool = False

    def embed(self, texts: Sequence[str]) -> FloatArray:
        vectors = np.zeros((len(texts), 8))
        for row, text in zip(vectors, texts, strict=True):
            found = re.search(r"meaning(\d)", text)
            noise = np.random.default_rng(list(text.encode())).normal(size=8)
            row[:] = 0.02 * noise
            if found and not self.deaf:
                row[int(found[1])] += 1.0
            elif self.deaf:
                row[:] = noise
            else:
                row[7] += 1.0
        return vectors

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "gist", "model": "deaf" if self.deaf else "hearing"}
