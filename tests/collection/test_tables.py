"""From a journal to an outcome table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.candidates import Candidate, Pool
from penstock.collection.collect import collect
from penstock.collection.tables import collected_table, queries_frame, with_earlier_scores
from penstock.errors import InputError, ProviderUnavailable
from penstock.outcomes.io import read_table, write_table
from penstock.outcomes.journal import Journal
from penstock.outcomes.scorers.numeric import numeric
from penstock.outcomes.scoring import score_table
from penstock.outcomes.to_matrix import queries_of, to_matrix
from penstock.pricing import Price
from penstock.providers.scripted import Reply, ScriptedProvider
from penstock.types import Query, Usage

TALK = ({"role": "system", "content": "s"}, {"role": "user", "content": "2+2"})
QUERIES = [
    Query.from_prompt("q0", "1+1", task="sum", reference="2"),
    Query("q1", TALK, reference="4", group="g"),
]
POOL = Pool((Candidate("a", "scripted", "m", price=Price.of(1, 2, 0.5)), Candidate("b", "scripted", "m")))


async def test_a_collection_becomes_a_table(tmp_path: Path) -> None:
    said = Reply("2", usage=Usage(100, 50, 20), logprobs=(-0.5, -0.25))
    providers = {
        "a": ScriptedProvider(POOL["a"], said),
        "b": ScriptedProvider(POOL["b"], ProviderUnavailable("no")),
    }
    with Journal(tmp_path / "j") as journal:
        await collect(QUERIES, POOL, providers, journal, samples=2)
        made = collected_table("t", QUERIES, POOL, journal, samples=2)
    assert made.unscored == 4
    write_table(made, tmp_path / "t")
    assert read_table(tmp_path / "t", allow_unscored=True).equals(made)
    grid = to_matrix(score_table(made, numeric))
    np.testing.assert_array_equal(grid.quality, [[1.0, 0.0], [0.0, 0.0]])
    cost = (80 * 1 + 20 * 0.5 + 50 * 2) / 1e6
    np.testing.assert_allclose(grid.cost, [[cost, 0.0], [cost, 0.0]])
    answer = grid.answer_of(0, 0)
    assert (answer.usage, answer.logprobs, answer.extracted) == (Usage(100, 50, 20), (-0.5, -0.25), "2")
    assert grid.answer_of(0, 1).error == "ProviderUnavailable: no"
    assert [(q.id, q.messages, q.group) for q in grid.queries] == [
        ("q0", QUERIES[0].messages, "q0"),
        ("q1", TALK, "g"),
    ]
    assert made.models is not None
    assert made.models["output_usd_per_mtok"].to_list() == [2.0, None]


def test_queries_survive_the_frame() -> None:
    assert queries_of(queries_frame(QUERIES))[1] == QUERIES[1]


async def test_part_of_a_collection_is_a_table_with_missing_cells(tmp_path: Path) -> None:
    one = Pool((POOL["a"],))
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(InputError, match="nothing has been collected"):
            collected_table("t", QUERIES, POOL, journal)
        await collect(QUERIES[:1], one, {"a": ScriptedProvider(POOL["a"], "2")}, journal)
        made = collected_table("t", QUERIES, POOL, journal)
    assert to_matrix(score_table(made, numeric), ["a"]).observed.tolist() == [[True], [False]]


async def test_scores_made_earlier_stay_with_the_same_answers(tmp_path: Path) -> None:
    one = Pool((POOL["a"],))
    with Journal(tmp_path / "j") as journal:
        await collect(QUERIES[:1], one, {"a": ScriptedProvider(POOL["a"], "2")}, journal)
        scored = score_table(collected_table("t", QUERIES, one, journal), numeric)
        await collect(QUERIES, one, {"a": ScriptedProvider(POOL["a"], "2")}, journal)
        again = with_earlier_scores(collected_table("t", QUERIES, one, journal), scored)
    assert again.outcomes["quality"].to_list() == [1.0, None]
    assert again.outcomes["answer"].to_list() == ["2", None]
    assert again.outcomes.columns == scored.outcomes.columns
