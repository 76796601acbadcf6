"""``penstock collect``, with scripted candidates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli import main
from penstock.outcomes.io import read_table
from penstock.outcomes.to_matrix import to_matrix

POOL = """
candidates:
  - {name: weak, provider: scripted, model: w, replies: "the answer is 7", price: {input: 1, output: 1}}
  - {name: strong, provider: scripted, model: s, replies: "the answer is 4", price: {input: 10, output: 10}}
"""


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(a) for a in arguments])
    return int(done.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("penstock.yaml").write_text(POOL)
    rows = [{"id": f"q{i}", "question": f"2+2, for the {i}. time", "gold": "4"} for i in range(6)]
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_from_questions_to_a_scored_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("collect", "--queries", "questions.jsonl", "--out", "t", "--scorer", "numeric") == 0
    assert "6 queries, 12 outcomes" in capsys.readouterr().out
    grid = to_matrix(read_table(Path("t")))
    assert grid.candidates == ("weak", "strong")
    assert grid.quality.mean(axis=0).tolist() == [0.0, 1.0]
    assert grid.cost[:, 1] == pytest.approx(10 * grid.cost[:, 0])
    assert (grid.cost > 0).all()


def test_a_second_run_asks_nothing_and_keeps_the_scores(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("collect", "--queries", "questions.jsonl", "--out", "t") == 0
    assert "run penstock score" in capsys.readouterr().out
    assert run("score", "t", "--scorer", "numeric") == 0
    before = read_table(Path("t"))
    lines = Path("t/journal.jsonl").read_bytes()
    capsys.readouterr()
    assert run("collect", "--queries", "questions.jsonl", "--out", "t", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["reused"], facts["unscored"]) == (12, 0)
    assert Path("t/journal.jsonl").read_bytes() == lines
    assert read_table(Path("t")).equals(before)


def test_more_samples_and_a_table_as_source(folder: Path) -> None:
    assert run("collect", "--queries", "questions.jsonl", "--out", "t", "--scorer", "numeric") == 0
    assert (
        run(
            "collect",
            "--queries",
            "t",
            "--out",
            "u",
            "--samples",
            3,
            "--concurrency",
            2,
            "--scorer",
            "numeric",
        )
        == 0
    )
    assert read_table(Path("u")).outcomes.height == 36
    assert read_table(Path("u")).queries.equals(read_table(Path("t")).queries)


def test_the_cap_keeps_what_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (
        "collect",
        "--queries",
        "questions.jsonl",
        "--out",
        "t",
        "--concurrency",
        1,
        "--scorer",
        "numeric",
    )
    assert run(*arguments, "--cost-cap", "0.0008") == 2
    told = capsys.readouterr().err
    assert "raise the cap and run again" in told
    assert told.count("\n") == 1
    some = read_table(Path("t"))
    assert 0 < some.outcomes.height < 12
    assert run(*arguments, "--cost-cap", "1") == 0
    assert read_table(Path("t")).outcomes.height == 12


def test_when_every_call_fails_there_is_no_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import polars as pl

    (folder / "recorded").mkdir()
    outcome = {"query_id": "z", "model": "w", "response": "x"}
    pl.DataFrame([outcome]).write_parquet("recorded/outcomes.parquet")
    pl.DataFrame([{"query_id": "z", "prompt": "something else"}]).write_parquet("recorded/queries.parquet")
    Path("penstock.yaml").write_text(
        "candidates: [{name: a, provider: recorded, model: w, table: recorded}]\n"
    )
    assert run("collect", "--queries", "questions.jsonl", "--out", "t") == 2
    assert "every call failed, so there is no table; one said RequestRejected" in capsys.readouterr().err
    assert not Path("t/outcomes.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--queries", "nothing.jsonl", "--out", "t"), "no such file"),
        (("--queries", "questions.jsonl", "--out", "t", "--pool", "nothing.yaml"), "no such file"),
        (("--queries", "questions.jsonl", "--out", "t", "--scorer", "best"), "no scorer is called"),
        (("--queries", "questions.jsonl", "--out", "t", "--cost-cap", "much"), "not an amount of USD"),
        (("--queries", "questions.jsonl", "--out", "t", "--samples", "0"), "at least 1"),
        (("--queries", "questions.jsonl", "--out", "other"), "was not collected"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "outcomes.parquet").write_bytes(b"mine")
    assert run("collect", *arguments) == 2
    caught = capsys.readouterr()
    assert told in caught.err
    assert caught.err.count("\n") == 1
    assert not Path("t/outcomes.parquet").exists()
    assert Path("other/outcomes.parquet").read_bytes() == b"mine"
