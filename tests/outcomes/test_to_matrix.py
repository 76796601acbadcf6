"""Tables as arrays: means over samples, statuses, costs, the drawn sample."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penstock.errors import PoolError, TableError
from penstock.outcomes.io import read_table
from penstock.outcomes.to_matrix import queries_of, to_matrix
from penstock.outcomes.validate import checked_table
from penstock.types import Status

from .tables import frame, outcome, queries, table

TABLES = [
    "alpaca_eval2",
    "gsm8k_openai2021",
    "livecodebench",
    "llmrouter_9models",
    "llmrouterbench_slice",
    "mmlu_pro",
    "mot_cascade_date",
    "multi_swe_bench_java",
    "planbench",
    "routellm_gsm8k",
    "routellm_mmlu",
    "routellm_mtbench",
    "routerarena_sub",
    "routerbench_subset",
    "routerdc_7b",
    "swebench_verified",
    "zeroeval_crux",
    "zeroeval_gsm",
    "zeroeval_math_l5",
    "zeroeval_numersense_v2",
]


def test_means_over_samples_and_missing_cells() -> None:
    grid = to_matrix(
        table(
            outcome("a", "m", 1.0, cost_usd=0.1),
            outcome("a", "m", 0.5, cost_usd=0.3, sample_index=1),
            outcome("b", "n", 0.25),
        )
    )
    assert grid.candidates == ("m", "n")
    np.testing.assert_array_equal(grid.quality, [[0.75, np.nan], [np.nan, 0.25]])
    np.testing.assert_allclose(grid.cost, [[0.2, np.nan], [np.nan, 0.25]])
    np.testing.assert_array_equal(grid.propensity, [[1.0, np.nan], [np.nan, 1.0]])
    assert grid.answer_of(0, 1).status is Status.MISSING


def test_refused_and_failed_count_zero_and_are_paid_for() -> None:
    grid = to_matrix(
        table(
            outcome("a", "m", None, status="refused", cost_usd=0.1),
            outcome("b", "m", None, status="failed", cost_usd=0.0, error="down"),
            outcome("c", "m", None, status="missing", cost_usd=None),
            outcome("d", "m", 1.0, status=None),
            outcome("d", "m", None, status="refused", sample_index=1),
        )
    )
    np.testing.assert_array_equal(grid.quality[:, 0], [0.0, 0.0, np.nan, 0.5])
    np.testing.assert_array_equal(grid.cost[:, 0], [0.1, 0.0, np.nan, 0.25])
    assert [grid.answer_of(i, 0).status for i in range(3)] == [Status.REFUSED, Status.FAILED, Status.MISSING]
    assert grid.answer_of(1, 0).error == "down"


def test_unscored_answers_have_no_quality() -> None:
    grid = to_matrix(table(outcome("a", "m", None), allow_unscored=True))
    assert np.isnan(grid.quality[0, 0])
    assert not grid.observed[0, 0]


def test_the_answer_is_one_sample_drawn_by_seed() -> None:
    made = table(
        *(outcome(f"q{i}", "m", sample_index=s, response=f"r{s}") for i in range(60) for s in (2, 0, 1))
    )
    drawn = [to_matrix(made, seed=7).answer_of(i, 0).text for i in range(60)]
    assert set(drawn) == {"r0", "r1", "r2"}
    shuffled = checked_table("s", made.queries, made.outcomes.sample(fraction=1, shuffle=True, seed=1))
    assert [to_matrix(shuffled, seed=7).answer_of(i, 0).text for i in range(60)] == drawn
    assert [to_matrix(made, seed=8).answer_of(i, 0).text for i in range(60)] != drawn


def test_further_samples_are_shown_one_after_the_other() -> None:
    rows = [
        outcome(f"q{i}", "m", float(i % 3 == s), sample_index=s, response=f"r{s}")
        for i in range(20)
        for s in range(3)
    ]
    grid = to_matrix(table(*rows, *(outcome(f"q{i}", "one", 1.0, response="only") for i in range(20))))
    assert grid.candidates == ("m", "one")
    replicates = grid.replicates
    assert len(replicates) == 3
    for i in range(20):
        assert {g.answer_of(i, 0).text for g in replicates} == {"r0", "r1", "r2"}
        assert {g.answer_of(i, 1).text for g in replicates} == {"only"}
        for g in replicates:
            right = g.answer_of(i, 0).text == f"r{i % 3}"
            assert g.drawn_quality[i].tolist() == [float(right), 1.0]
    part = grid.rows(np.array([4, 2])).select(["one", "m"])
    assert [g.answer_of(1, 1).text for g in part.replicates] == [g.answer_of(2, 0).text for g in replicates]
    np.testing.assert_array_equal(
        part.replicates[2].drawn_quality, replicates[2].drawn_quality[[4, 2]][:, [1, 0]]
    )


def test_at_most_twenty_samples_are_shown_and_one_where_there_is_one() -> None:
    many = table(*(outcome("a", "m", sample_index=s, response=str(s)) for s in range(23)))
    assert len({g.answer_of(0, 0).text for g in to_matrix(many).replicates}) == 20
    assert len(to_matrix(table(outcome("a", "m"))).replicates) == 1


def test_a_stray_sample_does_not_repeat_the_table() -> None:
    stray = [outcome("q0", "m", sample_index=1), *(outcome(f"q{i}", "m") for i in range(5))]
    assert len(to_matrix(table(*stray)).replicates) == 1


def test_an_answer_carries_everything_known() -> None:
    row = outcome(
        "a", "m", answer="4", latency_s=0.5, logprobs=[-0.5, -1.0], cached_tokens=3, finish_reason="stop"
    )
    answer = to_matrix(table(row)).answer_of(0, 0)
    assert (answer.candidate, answer.text, answer.extracted, answer.cost_usd) == (
        "m",
        "the answer is 4",
        "4",
        0.25,
    )
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cached_tokens) == (10, 5, 3)
    assert (answer.latency_s, answer.logprobs, answer.finish_reason) == (0.5, (-0.5, -1.0), "stop")


def test_costs_from_tokens_and_list_prices() -> None:
    models = pl.DataFrame(
        {"model": ["m", "n"], "input_usd_per_mtok": [2.0, None], "output_usd_per_mtok": [4.0, None]}
    )
    grid = to_matrix(
        table(
            outcome("a", "m", cost_usd=None),
            outcome("b", "m", cost_usd=None, output_tokens=None),
            outcome("c", "m", cost_usd=0.5),
            outcome("a", "n", cost_usd=None),
            models=models,
        )
    )
    np.testing.assert_allclose(grid.cost, [[40e-6, np.nan], [np.nan, np.nan], [0.5, np.nan]])
    assert not grid.estimated_cost


def test_without_any_output_tokens_the_input_is_priced_and_flagged() -> None:
    models = pl.DataFrame({"model": ["m"], "input_usd_per_mtok": [2.0], "output_usd_per_mtok": [4.0]})
    rows = [outcome(q, "m", cost_usd=None, output_tokens=None) for q in ("a", "b")]
    made = table(*rows, models=models)
    grid = to_matrix(made)
    np.testing.assert_allclose(grid.cost[:, 0], 20e-6)
    assert grid.estimated_cost
    assert not to_matrix(table(*({**r, "cost_usd": 1.0} for r in rows), models=models)).estimated_cost
    assert not to_matrix(table(*rows)).estimated_cost  # no price: no cost, so no estimate


def test_candidates_are_chosen_and_ordered() -> None:
    made = table(outcome("a", "m", 0.1), outcome("a", "n", 0.2), outcome("a", "o", 0.3))
    grid = to_matrix(made, ["o", "m"])
    assert grid.candidates == ("o", "m")
    np.testing.assert_array_equal(grid.quality, [[0.3, 0.1]])
    assert grid.answer_of(0, 0).candidate == "o"
    with pytest.raises(TableError, match=r"'x'; the table has m, n, o"):
        to_matrix(made, ["x"])


def test_queries_have_groups_and_conversations() -> None:
    talk = json.dumps([{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}])
    made = checked_table(
        "t",
        queries(
            "a-t1", "b", "c", messages=[talk, None, None], group=[None, "g", None], prompt=[None, "p", None]
        ),
        frame(outcome("a-t1", "m")),
    )
    a, b, c = queries_of(made.queries)
    assert (a.group, b.group, c.group) == ("a", "g", "c")
    assert [m["role"] for m in a.messages] == ["system", "user"]
    assert (b.prompt, c.messages) == ("p", ())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", "model,input_usd_per_mtok,output_usd_per_mtok\nm,2,4\n"),
        ("p.json", '{"m": {"input": 2, "output": 4}, "sample_spec": {"input_cost_per_token": "x"}}'),
        (
            "p.json",
            '{"m": {"input_cost_per_token": 2e-06, "output_cost_per_token": 4e-06}, "img": {}}',
        ),
        ("p.yaml", "m: {input_cost_per_token: 2e-06, output_cost_per_token: 4e-06}\n"),
        ("p.yml", "- {model: m, input: 2, output: 4}\n"),
    ],
)
def test_price_files(name: str, content: str, tmp_path: Path) -> None:
    from penstock.outcomes.io import write_table

    (tmp_path / name).write_text(content)
    models = pl.DataFrame(
        {"model": ["m", "n"], "input_usd_per_mtok": [9.0, 1.0], "output_usd_per_mtok": [9.0, 1.0]}
    )
    write_table(
        table(outcome("a", "m", cost_usd=None), outcome("a", "n", cost_usd=None), models=models),
        tmp_path / "t",
    )
    grid = to_matrix(read_table(tmp_path / "t", prices=tmp_path / name))
    np.testing.assert_allclose(grid.cost, [[40e-6, 15e-6]])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.json", "{", "not readable as JSON"),
        ("p.json", "{}", "no price"),
        ("p.json", '{"m": {"input": "dear", "output": 1}}', r"m\.input.*must be a number"),
        ("p.json", '{"m": {"input": -1, "output": 1}}', r"m\.input.*>= 0"),
        ("p.json", '{"m": {"input": 1}}', r"m\.output.*missing"),
        ("p.json", '{"m": 1}', "not a mapping"),
        ("p.csv", "name,input,output\nm,1,2\n", "row 1.*names no model"),
        ("p.json", '{"other": {"input": 1, "output": 1}}', "prices none of the table's models"),
    ],
)
def test_malformed_price_files(name: str, content: str, told: str, tmp_path: Path) -> None:
    from penstock.outcomes.io import write_table

    (tmp_path / name).write_text(content)
    write_table(table(outcome("a", "m")), tmp_path / "t")
    with pytest.raises((PoolError, TableError), match=told) as caught:
        read_table(tmp_path / "t", prices=tmp_path / name)
    assert name in str(caught.value)


@pytest.mark.real_tables
@pytest.mark.parametrize("name", TABLES)
def test_real_tables_read_and_match_their_published_means(name: str, real_tables: Path) -> None:
    made = read_table(real_tables / name)
    started = time.process_time()
    grid = to_matrix(made)
    assert time.process_time() - started < 1.5
    assert made.models is not None
    assert grid.quality.shape == (made.queries.height, made.models.height)
    published = made.models.sort(
        pl.col("model").replace_strict({m: i for i, m in enumerate(grid.candidates)})
    )
    even = (
        made.outcomes.group_by("query_id", "model").len().group_by("model").agg(pl.col("len").n_unique())
    )["len"]
    if even.max() == 1:  # else a mean over rows is no mean over queries
        np.testing.assert_allclose(
            np.nanmean(grid.quality, axis=0), published["mean_quality"].to_numpy(), atol=6e-5
        )
    rows = (~np.isnan(grid.quality)).sum(axis=0)
    np.testing.assert_array_equal(rows, published["n_queries"].to_numpy())
    costs = published["mean_cost_usd"].to_numpy()
    if not np.isnan(costs).any():
        np.testing.assert_allclose(np.nanmean(grid.cost, axis=0), costs, atol=1e-6)
    assert grid.estimated_cost == (name in {"routellm_mmlu", "llmrouter_9models"})
