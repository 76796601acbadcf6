"""Candidates that vote: several samples of one model as one candidate, with their summed price."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.experiments.result import Settings
from penstock.answers.equivalence import numbered
from penstock.core.votes import count_votes
from penstock.errors import TableError
from penstock.outcomes.costs import row_costs
from penstock.outcomes.frames import pl
from penstock.outcomes.io import read_table
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.outcomes.to_matrix import queries_of
from penstock.types import Answer, FloatArray, Usage

VOTERS: Mapping[str, tuple[str, range]] = {
    "gpt-3.5 cot x1": ("gpt-3.5-turbo/cot2/default", range(1)),
    "gpt-3.5 cot x4 voted": ("gpt-3.5-turbo/cot2/default", range(1, 5)),
    "gpt-3.5 cot x15 voted": ("gpt-3.5-turbo/cot2/default", range(5, 20)),
    "gpt-3.5 pot x1": ("gpt-3.5-turbo/pot2/default", range(1)),
    "gpt-3.5 pot x4 voted": ("gpt-3.5-turbo/pot2/default", range(1, 5)),
    "gpt-3.5 pot x15 voted": ("gpt-3.5-turbo/pot2/default", range(5, 20)),
    "gpt-4 cot": ("gpt-4/cot2/greedy", range(1)),
    "gpt-4 pot": ("gpt-4/pot2/greedy", range(1)),
}
"""Disjoint samples: what one candidate drew is nobody else's."""


@dataclass(frozen=True)
class Sample:
    """One sample of one model: the answer as given, its quality, USD and tokens."""

    answer: str
    quality: float
    cost: float
    tokens: int
    text: str = field(repr=False, default="")


def vote(samples: Sequence[Sample]) -> tuple[Sample, float]:
    """A sample with the most frequent answer (the earliest of equals), and its share of the votes."""
    code = np.array([numbered([s.answer for s in samples])])
    votes = count_votes(code, np.ones(len(samples), dtype=np.int64))
    return samples[int(np.argmax(code[0] == votes.winner[0]))], float(votes.confidence[0])


def voting_grid(settings: Settings) -> OutcomeMatrix:
    """``mot_cascade_date`` with the candidates of ``VOTERS``.

    The log of the vote's share stands where an answer's log-probability does: it is the samples' estimate of
    it. One sample has no share and no log-probability.
    """
    voters = VOTERS
    table = read_table(settings.tables / "mot_cascade_date")
    cost, _ = row_costs(table)
    queries = queries_of(table.queries)
    if settings.rows is not None:
        queries = queries[: settings.rows]
    samples = _samples(table.outcomes, cost, {model for model, _ in voters.values()})
    shape = (len(queries), len(voters))
    quality, price = np.full(shape, np.nan), np.full(shape, np.nan)
    answers: dict[tuple[int, int], Answer] = {}
    for i, query in enumerate(queries):
        for j, (name, (model, drawn)) in enumerate(voters.items()):
            found = [samples.get((query.id, model, s)) for s in drawn]
            given = [s for s in found if s is not None]
            if len(given) < len(found):
                raise TableError(f"{model} has not {len(drawn)} samples of {query.id}", file=table.name)
            winner, share = vote(given)
            quality[i, j], price[i, j] = winner.quality, sum(s.cost for s in given)
            answers[i, j] = Answer(
                name,
                text=winner.text,
                usage=Usage(0, round(sum(s.tokens for s in given) / len(given)), 0),
                cost_usd=float(price[i, j]),
                logprobs=(float(np.log(share)),) if len(given) > 1 else None,
                extracted=winner.answer or None,
            )
    return OutcomeMatrix(queries, tuple(voters), quality, price, np.ones(shape), lambda i, j: answers[i, j])


def _samples(
    outcomes: pl.DataFrame, cost: FloatArray, models: Collection[str]
) -> dict[tuple[str, str, int], Sample]:
    """(query, model, sample) -> Sample, of these models."""
    columns = ("query_id", "model", "sample_index", "answer", "quality", "output_tokens", "response")
    rows = zip(*(outcomes[c].to_list() for c in columns), cost.tolist(), strict=True)
    return {
        (query, model, sample): Sample((answer or "").strip(), quality, usd, tokens or 0, text or "")
        for query, model, sample, answer, quality, tokens, text, usd in rows
        if model in models
    }
