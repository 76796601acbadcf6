"""Sampled qualities from a table, and the labels made of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from penstock.errors import InputError, TableError
from penstock.outcomes.table import OutcomeTable
from penstock.outcomes.validate import checked_table
from penstock.training.hybrid.labels import label
from penstock.training.hybrid.pairs import best_transformation, win_share
from penstock.training.hybrid.samples import Samples, samples_of
from penstock.training.hybrid.settings import PAPER, settings_for
from penstock.types import Query


def table_of(
    rows: list[tuple[str, str, int, float | None, str]], prompts: dict[str, str | None]
) -> OutcomeTable:
    """A table of (query, model, sample, quality, status)."""
    queries = pl.DataFrame(
        {
            "query_id": list(prompts),
            "prompt": list(prompts.values()),
            "split": None,
            "task": None,
            "reference": None,
        },
        schema=dict.fromkeys(("query_id", "prompt", "split", "task", "reference"), pl.String),
    )
    outcomes = pl.DataFrame(
        [
            {
                "query_id": query,
                "model": model,
                "sample_index": sample,
                "quality": quality,
                "cost_usd": 0.1,
                "input_tokens": 1,
                "output_tokens": 1,
                "latency_s": None,
                "answer": None,
                "response": None,
                "status": status,
            }
            for query, model, sample, quality, status in rows
        ],
        schema_overrides={"latency_s": pl.Float64, "answer": pl.String, "response": pl.String},
    )
    return checked_table("made", queries, outcomes, None)


def test_samples_stand_in_their_order_and_gaps_are_missing() -> None:
    table = table_of(
        [
            ("a", "s", 3, 0.25, "answered"),
            ("a", "s", 1, 0.75, "answered"),
            ("a", "l", 0, 1.0, "answered"),
            ("b", "s", 0, None, "refused"),
            ("b", "l", 0, 0.5, "answered"),
            ("b", "l", 1, None, "missing"),
            ("c", "s", 0, 1.0, "answered"),  # nobody asked l
            ("d", "s", 0, 1.0, "answered"),
            ("d", "l", 0, 1.0, "answered"),  # the prompt is not known
        ],
        {"a": "one", "b": "two", "c": "three", "d": None},
    )
    samples, left_out = samples_of(table, ["s", "l"])
    assert [q.id for q in samples.queries] == ["a", "b"]
    assert left_out == 2
    np.testing.assert_array_equal(samples.of("s"), [[0.75, 0.25], [0.0, np.nan]])
    np.testing.assert_array_equal(samples.mean, [[0.5, 1.0], [0.0, 0.5]])


def test_what_cannot_be_used_is_one_clear_error() -> None:
    table = table_of([("a", "s", 0, 1.0, "answered")], {"a": "one"})
    with pytest.raises(TableError, match="no model is called 'x'"):
        samples_of(table, ["s", "x"])
    with pytest.raises(TableError, match="two models"):
        samples_of(table)


def made(seed: int = 0, n: int = 50) -> Samples:
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=(n, 1, 1))
    quality = rng.normal(size=(n, 3, 10)) + np.array([-3.0, -1.0, 0.0])[:, None] - hard
    return Samples(tuple(Query.from_prompt(str(i), "p") for i in range(n)), ("a", "b", "c"), quality)


def test_every_weaker_model_is_held_against_the_strongest() -> None:
    samples = made()
    marks = label(samples, ("a", "b"), "c", "trans")
    assert marks.values.shape == (50, 2)
    for j, name in enumerate(("a", "b")):
        assert marks.t[j] == best_transformation(samples.of(name), samples.of("c"))
        np.testing.assert_array_equal(
            marks.values[:, j], win_share(samples.of(name), samples.of("c"), marks.t[j])
        )
    assert marks.t[0] > marks.t[1] > 0


def test_a_given_t_is_used_and_t_of_0_is_the_probability() -> None:
    samples = made()
    prob = label(samples, ("a", "b"), "c", "prob")
    assert prob.t == (0.0, 0.0)
    np.testing.assert_array_equal(label(samples, ("a", "b"), "c", "trans", (0.0, 0.0)).values, prob.values)
    assert (label(samples, ("a",), "c", "trans", (2.0,)).values >= prob.values[:, :1]).all()


def test_deterministic_labels_are_0_or_1() -> None:
    samples = made()
    values = label(samples, ("b",), "c", "det").values
    assert set(np.unique(values)) == {0.0, 1.0}
    np.testing.assert_array_equal(values[:, 0], samples.of("b")[:, 0] >= samples.of("c")[:, 0])


def test_the_defaults_are_the_paper_s() -> None:
    assert (PAPER.encoder, PAPER.epochs, PAPER.learning_rate) == ("microsoft/deberta-v3-large", 5, 1e-5)
    assert settings_for("microsoft/deberta-v3-large") == PAPER
    assert settings_for("scratch", epochs=None, batch=4).batch == 4


@pytest.mark.parametrize(
    "change",
    [{"epochs": 0}, {"labels": "x"}, {"learning_rate": 0.0}, {"patience": 0}, {"dropout": 1.0}, {"x": 1}],
)
def test_settings_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        settings_for("scratch", **change)
