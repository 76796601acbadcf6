"""Tiny seeded grids of outcomes whose prompts tell which candidate is right.

Every prompt is of one topic and uses its words. The small candidate is right on the first topic, the middle
one on the first two, the large one nearly everywhere; an answer's token log-probabilities tell whether it is
right.
``signal`` 0 cuts the tie between prompts and outcomes, costs included: a null table, on which nothing can be
learned but from the answers themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Query, Status, Usage

if TYPE_CHECKING:
    from penstock.outcomes.table import OutcomeTable

NAMES = ("small", "middle", "large")
USD = (0.0001, 0.0004, 0.002)
"""Mean cost of one call, by candidate."""

TOPICS = (
    ("harbour", "sailor", "anchor", "tide", "rope", "mast", "keel", "lantern"),
    ("integral", "matrix", "vector", "theorem", "lemma", "proof", "axiom", "field"),
    ("enzyme", "protein", "ribosome", "membrane", "neuron", "plasma", "genome", "tissue"),
)
_FILLERS = ("the", "of", "which", "about", "please", "explain", "a", "and", "why", "between")
_RIGHT = np.array([[0.95, 0.95, 0.95], [0.15, 0.90, 0.93], [0.10, 0.20, 0.92]])
"""Probability of a right answer by topic and candidate."""


@dataclass(frozen=True)
class Tiny:
    """What a grid was made of: ``topic`` (n,), the ``right`` probabilities (n, k) and the grid itself."""

    grid: OutcomeMatrix
    topic: IntArray
    right: FloatArray


def tiny(
    n: int = 150,
    *,
    seed: int = 0,
    signal: float = 1.0,
    telling: float = 1.0,
    missing: float = 0.0,
    groups: int | None = None,
) -> Tiny:
    """A grid of ``n`` queries by the three candidates of ``NAMES``, tasks ``t0`` to ``t2`` being the topics.

    ``signal`` in [0, 1] is how much the topic says about who is right; ``telling`` how much an answer's
    log-probabilities do; ``missing`` the share of cells that were not asked; ``groups`` puts the queries into
    so many questions (default: one each).
    """
    rng = np.random.default_rng(seed)
    topic = rng.integers(len(TOPICS), size=n)
    right = signal * _RIGHT[topic] + (1 - signal) * _RIGHT.mean(axis=0)
    quality = (rng.random(right.shape) < right).astype(np.float64)
    prompts = [_prompt(rng, int(t)) for t in topic]
    length = np.array([len(p) for p in prompts], dtype=np.float64)
    cost = np.outer((length / length.mean()) ** signal, USD) * rng.uniform(0.8, 1.2, size=quality.shape)
    level = telling * 0.5 * quality + rng.uniform(0.2, 0.8, size=quality.shape)
    asked = rng.random(quality.shape) >= missing
    queries = tuple(
        Query.from_prompt(
            f"q{seed}x{i:04d}", p, task=f"t{t}", group=None if groups is None else f"g{i % groups}"
        )
        for i, (p, t) in enumerate(zip(prompts, topic.tolist(), strict=True))
    )
    grid = OutcomeMatrix(
        queries=queries,
        candidates=NAMES,
        quality=np.where(asked, quality, np.nan),
        cost=np.where(asked, cost, np.nan),
        propensity=np.where(asked, 1.0, np.nan),
        answer_of=_Answers(quality, cost, level, asked),
    )
    return Tiny(grid, topic.astype(np.int64), right)


def tiny_matrix(n: int = 150, *, seed: int = 0, signal: float = 1.0, missing: float = 0.0) -> OutcomeMatrix:
    """The grid alone; see ``tiny``."""
    return tiny(n, seed=seed, signal=signal, missing=missing).grid


def as_table(grid: OutcomeMatrix, name: str = "tiny") -> OutcomeTable:
    """The same outcomes as a checked table, to be written with ``penstock.outcomes.io.write_table``."""
    import polars as pl

    from penstock.outcomes.validate import checked_table

    queries = pl.DataFrame(
        {
            "query_id": [q.id for q in grid.queries],
            "split": [None] * len(grid),
            "task": [q.task for q in grid.queries],
            "prompt": [q.prompt for q in grid.queries],
            "reference": [q.reference for q in grid.queries],
            "group": [q.group for q in grid.queries],
        },
        schema_overrides={"split": pl.String, "reference": pl.String, "group": pl.String},
    )
    rows = [
        _row(grid, i, j)
        for i in range(len(grid))
        for j in range(len(grid.candidates))
        if grid.answer_of(i, j).status is not Status.MISSING
    ]
    return checked_table(name, queries, pl.DataFrame(rows, infer_schema_length=None), None)


def _row(grid: OutcomeMatrix, i: int, j: int) -> dict[str, object]:
    answer = grid.answer_of(i, j)
    return {
        "query_id": grid.queries[i].id,
        "model": grid.candidates[j],
        "sample_index": 0,
        "quality": float(grid.quality[i, j]),
        "cost_usd": float(grid.cost[i, j]),
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "latency_s": None,
        "answer": answer.extracted,
        "response": answer.text,
        "status": answer.status.value,
        "logprobs": list(answer.logprobs or ()),
    }


def _prompt(rng: np.random.Generator, topic: int) -> str:
    words = [*rng.choice(TOPICS[topic], size=5), *rng.choice(_FILLERS, size=int(rng.integers(3, 12)))]
    return " ".join(rng.permutation(words).tolist())


@dataclass(frozen=True, eq=False)
class _Answers:
    """``answer_of`` of a grid."""

    quality: FloatArray
    cost: FloatArray
    level: FloatArray
    asked: BoolArray

    def __call__(self, i: int, j: int) -> Answer:
        if not self.asked[i, j]:
            return Answer(NAMES[j], status=Status.MISSING)
        logprobs = tuple(float(np.log(self.level[i, j] / 1.3)) * (0.5 + t) for t in (0.25, 0.5, 0.75))
        return Answer(
            NAMES[j],
            text="right" if self.quality[i, j] else "wrong",
            usage=Usage(20 + i % 7, 3),
            cost_usd=float(self.cost[i, j]),
            logprobs=logprobs,
            extracted="4",
            finish_reason="stop",
        )
