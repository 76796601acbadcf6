"""Quality as likelihood: how probable a model finds the reference once it has read the answer.

BARTScore (Yuan et al., 2021) is of this kind, and is what Hybrid LLM trains on. Unlike right or wrong it is
graded, so that two wrong answers are not alike. The model is the caller's: ``Likelihood`` is the seam.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from penstock.errors import TableError
from penstock.outcomes.frames import pl
from penstock.outcomes.table import OutcomeTable, with_statistics
from penstock.types import FloatArray, Status

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to judge against what was expected."""

    prompt: str
    response: str
    reference: str


class Likelihood(Protocol):
    """A model that scores references."""

    def log_likelihoods(self, cases: Sequence[Case]) -> FloatArray:
        """(n,) mean natural-log probability per token of each reference given the response; at most 0."""
        ...


def quality_of(log_likelihood: FloatArray) -> FloatArray:
    """Mean log-likelihoods as qualities in (0, 1]: the geometric mean of the tokens' probabilities."""
    quality: FloatArray = np.exp(np.minimum(log_likelihood, 0.0))
    return quality


def score_by_likelihood(
    table: OutcomeTable,
    model: Likelihood,
    *,
    only_unscored: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> OutcomeTable:
    """The table with the quality of its answered rows set to ``quality_of`` their reference's likelihood.

    Rows that were refused or failed are left alone, and so are final answers. Equal cases are scored once.
    Raises TableError where a row to be scored has no text, or its query no reference or prompt.
    """
    known = {
        row["query_id"]: (row["prompt"], row["reference"])
        for row in table.queries.select("query_id", "prompt", "reference").to_dicts()
    }
    quality = table.outcomes["quality"].to_list()
    wanted: dict[Case, list[int]] = {}
    rows = zip(
        table.outcomes["query_id"],
        table.outcomes["response"],
        table.outcomes["answer"],
        table.status,
        strict=True,
    )
    for i, (query, response, answer, status) in enumerate(rows):
        if status != Status.ANSWERED.value or (only_unscored and quality[i] is not None):
            continue
        text = answer if response is None else response
        prompt, reference = known[query]
        if text is None:
            raise TableError(
                "the row has no text", file=f"{table.name}/outcomes.parquet", row=i + 1, field="response"
            )
        if reference is None or prompt is None:
            missing = "reference" if reference is None else "prompt"
            message = f"query {query!r} has no {missing} to score with"
            raise TableError(message, file=f"{table.name}/queries.parquet", field=missing)
        wanted.setdefault(Case(prompt, text, reference), []).append(i)
    cases = list(wanted)
    for start in range(0, len(cases), _BATCH):
        batch = cases[start : start + _BATCH]
        for case, value in zip(batch, quality_of(model.log_likelihoods(batch)).tolist(), strict=True):
            for i in wanted[case]:
                quality[i] = value
        if progress is not None:
            progress(min(start + _BATCH, len(cases)), len(cases))
    outcomes = table.outcomes.with_columns(pl.Series("quality", quality, dtype=pl.Float64))
    models = None if table.models is None else with_statistics(table.models, outcomes)
    return replace(table, outcomes=outcomes, models=models)
