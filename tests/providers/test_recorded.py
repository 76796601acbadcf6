"""The recorded provider answers what a table holds and nothing else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from penstock.candidates import Candidate
from penstock.errors import ProviderUnavailable, RequestRejected, TableError
from penstock.pricing import Price
from penstock.providers.base import ChatRequest
from penstock.providers.make import make_provider
from penstock.providers.recorded import RecordedProvider
from penstock.types import Status


def asked(prompt: str, **params: object) -> ChatRequest:
    return ChatRequest(({"role": "user", "content": prompt},), params)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    pl.DataFrame(
        {"query_id": ["q1", "q2", "q3", "q4"], "prompt": ["one?", "two?", "three?", None]}
    ).write_parquet(tmp_path / "queries.parquet")
    pl.DataFrame(
        {
            "query_id": ["q1", "q1", "q2", "q3", "q1"],
            "model": ["m", "m", "m", "m", "other"],
            "sample_index": [1, 0, 0, 0, 0],
            "status": ["answered", "answered", "refused", "failed", "answered"],
            "response": ["second", "first", None, None, "no"],
            "answer": [None, "1", None, None, None],
            "input_tokens": [10, 10, 20, None, 1],
            "output_tokens": [5, 5, 1, None, 1],
            "cost_usd": [None, 0.5, None, None, 1.0],
        }
    ).write_parquet(tmp_path / "outcomes.parquet")
    return tmp_path


@pytest.fixture
def provider(table: Path) -> RecordedProvider:
    candidate = Candidate("a", "recorded", "m", price=Price.of(1, 2), options={"table": str(table)})
    made = make_provider(candidate)
    assert isinstance(made, RecordedProvider)
    return made


async def test_it_answers_with_cost_and_usage(provider: RecordedProvider) -> None:
    done = await provider.complete(asked("one?"))
    assert (done.answer.text, done.answer.cost_usd, done.answer.extracted) == ("first", 0.5, "1")
    assert (done.answer.usage.input_tokens, done.answer.usage.output_tokens) == (10, 5)


async def test_the_seed_picks_a_sample_priced_where_no_cost_is_recorded(provider: RecordedProvider) -> None:
    done = await provider.complete(asked("one?", seed=3))
    assert done.answer.text == "second"
    assert done.answer.cost_usd == pytest.approx((10 * 1 + 5 * 2) / 1e6)


async def test_refusals_and_failures_are_what_they_were(provider: RecordedProvider) -> None:
    assert (await provider.complete(asked("two?"))).answer.status is Status.REFUSED
    with pytest.raises(ProviderUnavailable, match="recorded as failed"):
        await provider.complete(asked("three?"))


async def test_an_unknown_prompt_is_named(provider: RecordedProvider) -> None:
    with pytest.raises(RequestRejected, match=r"a: this prompt was not recorded in .*'never asked'"):
        await provider.complete(asked("never asked"))


async def test_an_unknown_model_or_folder_is_named(table: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no rows of model 'x'; the table has m, other"):
        await RecordedProvider(Candidate("a", "recorded", "x"), table).complete(asked("one?"))
    with pytest.raises(TableError, match=r"no queries\.parquet there"):
        await RecordedProvider(Candidate("a", "recorded", "x"), tmp_path / "none").complete(asked("one?"))


async def test_a_truncated_file_is_one_clear_error(table: Path) -> None:
    whole = (table / "outcomes.parquet").read_bytes()
    (table / "outcomes.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="cannot be read"):
        await RecordedProvider(Candidate("a", "recorded", "m"), table).complete(asked("one?"))


async def test_a_real_table(real_tables: Path) -> None:
    folder = real_tables / "routerbench_subset"
    first = pl.read_parquet(folder / "queries.parquet").row(0, named=True)
    models = pl.read_parquet(folder / "models.parquet")["model"].to_list()
    provider = RecordedProvider(Candidate("a", "recorded", models[0]), folder)
    done = await provider.complete(asked(first["prompt"]))
    assert done.answer.cost_usd is not None
    assert done.answer.text
