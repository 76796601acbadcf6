"""References under an embedded model: the same as token by token, and higher for right reasoning."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from penstock.errors import TableError
from penstock.lab.likelihood import EmbeddedLikelihood
from penstock.lab.tasks import generate
from penstock.outcomes.likelihood import Case, quality_of, score_by_likelihood
from penstock.runtime.model import LanguageModel
from penstock.testing.tables import as_table, tiny_matrix
from penstock.types import FloatArray


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel.load("small")


def test_it_is_the_mean_log_probability_of_the_reference(model: LanguageModel) -> None:
    cases = [
        Case("start at 5 , forward 3 . what number ?", "5 + 3 = 8 . answer : 9", "8"),
        Case("put in order q b", "b , q . answer : b q", "b q"),
        Case("put in order q b", "", "b q"),
    ]
    found = EmbeddedLikelihood(model).log_likelihoods(cases)
    for case, value in zip(cases, found, strict=True):
        body = case.response.split("answer")[0]
        encode = model.tokenizer.encode
        before = [*model.prompt_ids(case.prompt), *encode(body), *encode("answer :")]
        target = [*encode(case.reference), model.tokenizer.end_id]
        expected = model.log_probs([*before, *target])[-len(target) :].mean()
        assert value == pytest.approx(expected, abs=1e-4)


def test_right_reasoning_makes_the_reference_likelier(model: LanguageModel) -> None:
    problems = generate(60, seed=4, levels=(2, 3))
    scorer = EmbeddedLikelihood(model)
    right = [Case(p.prompt, p.solutions[1], p.reference) for p in problems]
    wrong = [Case(p.prompt, q.solutions[1], p.reference) for p, q in pairwise(problems)]
    gap = scorer.log_likelihoods(right)[:-1] - scorer.log_likelihoods(wrong)
    assert (gap > 0).mean() > 0.9


def test_a_case_that_is_too_long_still_has_a_score(model: LanguageModel) -> None:
    long = Case("put in order q b", "b , q . " * 400, "b q")
    assert np.isfinite(EmbeddedLikelihood(model).log_likelihoods([long])).all()


class Counting:
    """A likelihood that counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def log_likelihoods(self, cases: list[Case]) -> FloatArray:
        self.asked += len(cases)
        return np.array([-float(len(c.response)) for c in cases])


def test_a_table_is_scored_each_case_once() -> None:
    import polars as pl

    table = as_table(tiny_matrix(12))
    with pytest.raises(TableError, match="no reference"):
        score_by_likelihood(table, Counting())
    queries = table.queries.with_columns(pl.lit("4").alias("reference"))
    whole = type(table)(table.name, queries, table.outcomes, table.models)
    model = Counting()
    scored = score_by_likelihood(whole, model)
    lengths = scored.outcomes["response"].str.len_chars().to_numpy()
    np.testing.assert_allclose(scored.outcomes["quality"].to_numpy(), quality_of(-lengths.astype(float)))
    distinct = scored.outcomes.select("query_id", "response").unique().height
    assert model.asked == distinct < scored.outcomes.height
    again = score_by_likelihood(scored, model, only_unscored=True)
    assert model.asked == distinct
    assert again.equals(scored)
