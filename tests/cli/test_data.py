"""``penstock data import`` and ``penstock data split``."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from penstock.cli import main
from penstock.outcomes.io import read_table
from penstock.outcomes.to_matrix import queries_of

ROWS = [
    {
        "id": f"q{i}-t{turn}",
        "question": f"what is {i}, {turn}?",
        "task": f"task{i % 3}",
        "model": m,
        "score": 1,
    }
    for i in range(30)
    for turn in (1, 2)
    for m in ("small", "large")
]


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(a) for a in arguments])
    return int(done.value.code or 0)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return file


def test_import_then_split(answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "import", answers, "--out", tmp_path / "t") == 0
    said = capsys.readouterr().out
    assert "60 queries, 120 outcomes" in said
    assert (
        run("data", "split", tmp_path / "t", "--out-fit", tmp_path / "fit", "--out-test", tmp_path / "test")
        == 0
    )
    assert "fit: " in capsys.readouterr().out
    fit, test = (queries_of(read_table(tmp_path / name).queries) for name in ("fit", "test"))
    assert len(fit) + len(test) == 60
    assert not {q.group for q in fit} & {q.group for q in test}


def test_json_is_json_alone(answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "import", answers, "--out", tmp_path / "t", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["queries"], facts["unscored"]) == (60, 0)
    assert (
        facts["models"][0] | {"model": "large", "outcomes": 60, "mean_cost_usd": None} == facts["models"][0]
    )
    folders = ("--out-fit", tmp_path / "a", "--out-test", tmp_path / "b")
    assert run("data", "split", tmp_path / "t", *folders, "--task-out", "--seed", 4, "--json") == 0
    parts = json.loads(capsys.readouterr().out)
    assert (parts["fit"]["queries"], parts["test"]["queries"], parts["seed"]) == (40, 20, 4)


def test_prices_and_mapping(answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**row, "asked": 1000, "said": 500} for row in ROWS]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "prices.csv").write_text("model,input,output\nsmall,1,2\nlarge,10,20\n")
    mapping = ("--map", "input_tokens=asked", "--map", "output_tokens=said")
    arguments = (
        "data",
        "import",
        answers,
        "--out",
        tmp_path / "t",
        "--prices",
        tmp_path / "prices.csv",
        *mapping,
    )
    assert run(*arguments, "--json") == 0
    costs = {row["model"]: row["mean_cost_usd"] for row in json.loads(capsys.readouterr().out)["models"]}
    assert costs == pytest.approx({"small": 0.002, "large": 0.02})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("data", "import", "{answers}", "--out", "{there}"), "add --overwrite"),
        (("data", "import", "{answers}", "--out", "new", "--map", "prompt"), "not of the form"),
        (("data", "import", "nothing.csv", "--out", "new"), "nothing.csv: there is no such file"),
        (("data", "split", "{there}", "--out-fit", "a", "--out-test", "a"), "the same folder"),
        (
            ("data", "split", "{there}", "--out-fit", "{there}", "--out-test", "b"),
            "itself would be overwritten",
        ),
        (
            ("data", "split", "{there}", "--out-fit", "a", "--out-test", "b", "--fraction", "2"),
            "between 0 and 1",
        ),
        (("data", "split", "nothing", "--out-fit", "a", "--out-test", "b"), "nothing: does not exist"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: tuple[str, ...],
    told: str,
    answers: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "there"
    assert run("data", "import", answers, "--out", there) == 0
    capsys.readouterr()
    before = sorted(tmp_path.rglob("*"))
    assert run(*(a.format(answers=answers, there=there) for a in arguments)) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert told in caught.err
    assert caught.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_overwrite_replaces(answers: Path, tmp_path: Path) -> None:
    assert run("data", "import", answers, "--out", tmp_path / "t") == 0
    answers.write_text(json.dumps(ROWS[0]) + "\n")
    assert run("data", "import", answers, "--out", tmp_path / "t", "--overwrite") == 0
    assert read_table(tmp_path / "t").outcomes.height == 1


@pytest.mark.real_tables
def test_a_real_table_is_split_without_losing_a_row(real_tables: Path, tmp_path: Path) -> None:
    folders = ("--out-fit", tmp_path / "fit", "--out-test", tmp_path / "test")
    assert run("data", "split", real_tables / "planbench", *folders) == 0
    whole, fit, test = (
        read_table(p) for p in (real_tables / "planbench", tmp_path / "fit", tmp_path / "test")
    )
    both = pl.concat([fit.outcomes, test.outcomes])
    assert both.sort("query_id", "model").equals(whole.outcomes.sort("query_id", "model"))
    assert fit.models is not None
    assert fit.models["n_rows"].sum() == fit.outcomes.height
