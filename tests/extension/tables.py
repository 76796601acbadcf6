"""Tosses: tiny outcomes whose right answer is heads, and whose wrong ones differ."""

from __future__ import annotations

from dataclasses import replace

from penstock.outcomes.matrix import OutcomeMatrix
from penstock.testing.tables import tiny
from penstock.types import Answer

WRONG = ("tails", "edge", "rim")


def tosses(n: int = 48, *, seed: int, telling: float = 1.0) -> OutcomeMatrix:
    """By the three candidates of ``penstock.testing.tables``; see ``tiny``."""
    matrix = tiny(n, seed=seed, telling=telling).grid
    source = matrix.answer_of

    def answer_of(i: int, j: int) -> Answer:
        side = "heads" if source(i, j).text == "right" else WRONG[(i + j) % 3]
        return replace(source(i, j), text=f"It is {side}.", extracted=None)

    queries = tuple(replace(query, reference="heads") for query in matrix.queries)
    return replace(matrix, queries=queries, answer_of=answer_of)
