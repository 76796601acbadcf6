"""A table of SATER's two modes: one candidate that refuses, one whose vote says how sure it is."""

from __future__ import annotations

import numpy as np

from penstock.answers.features import features_of
from penstock.belief import OwnAnswerBelief
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import Answer, Query, Status, Usage

N = 400
NAMES = ("small at 0.7", "small x10", "large")


def modes(seed: int) -> OutcomeMatrix:
    """The first mostly refuses what it would get wrong; the share of the second's vote says what it knows."""
    rng = np.random.default_rng(seed)
    knows = rng.random(N)
    refused = rng.random(N) > knows
    share = np.clip(np.round(knows + rng.normal(0, 0.1, N), 1), 0.1, 1.0)
    quality = np.column_stack(
        [(rng.random(N) < knows + 0.3) & ~refused, rng.random(N) < knows, rng.random(N) < 0.95]
    ).astype(float)
    cost = np.tile([1.0, 2.0, 40.0], (N, 1))

    def answer_of(i: int, j: int) -> Answer:
        if j == 0 and refused[i]:
            return Answer(NAMES[0], "Sorry, I can't answer that.", Status.REFUSED, Usage(5, 7))
        confidence = float(share[i]) if j == 1 else None
        return Answer(NAMES[j], "4", usage=Usage(5, 20), extracted="4", confidence=confidence)

    queries = tuple(Query.from_prompt(f"{seed}-{i}", f"question number {i}") for i in range(N))
    return OutcomeMatrix(queries, NAMES, quality, cost, np.ones((N, 3)), answer_of)


def belief_of(table: OutcomeMatrix) -> OwnAnswerBelief:
    """What its answers say of themselves, and nothing else."""
    seen = features_of(table.answer_of, *table.quality.shape)
    half = np.full(table.quality.shape, 0.5)
    return OwnAnswerBelief(half, half, table.cost, np.zeros(N), None, ~seen.answered, seen.confidence)
