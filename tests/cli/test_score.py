"""``penstock score``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli import main
from penstock.outcomes.imports import import_table
from penstock.outcomes.io import read_table, write_table


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(a) for a in arguments])
    return int(done.value.code or 0)


@pytest.fixture
def unscored(tmp_path: Path) -> Path:
    texts = {"a": "1 + 1, so answer : 2", "b": "the answer is 3", "c": "no idea"}
    rows = [{"id": k, "prompt": k, "gold": "2", "model": "m", "response": text} for k, text in texts.items()]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_table(import_table(tmp_path / "x.jsonl"), tmp_path / "t")
    return tmp_path / "t"


@pytest.mark.parametrize(
    ("scorer", "qualities"),
    [(("numeric",), [1, 0, 0]), (("lab",), [1, 0, 0]), (("regex", "--pattern", r"(\d)$"), [1, 0, 0])],
)
def test_scores_in_place(scorer: tuple[str, ...], qualities: list[float], unscored: Path) -> None:
    assert run("score", unscored, "--scorer", *scorer) == 0
    assert read_table(unscored).outcomes["quality"].to_list() == qualities


def test_scores_into_another_folder(
    unscored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("score", unscored, "--scorer", "numeric", "--out", tmp_path / "new", "--json") == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["mean_quality"] == pytest.approx(1 / 3)
    assert read_table(unscored, allow_unscored=True).unscored == 3
    assert read_table(tmp_path / "new").outcomes["answer"].to_list() == ["2", "3", None]
    assert run("score", unscored, "--scorer", "numeric", "--out", tmp_path / "new") == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--scorer", "best"), "no scorer is called 'best'"),
        (("--scorer", "choice"), "reference '2' is not one letter"),
        (("--scorer", "regex", "--pattern", "("), "not a regular expression"),
        (("--scorer", "numeric", "--pattern", "x"), "for the scorer regex"),
    ],
)
def test_a_failure_leaves_the_table_alone(
    arguments: tuple[str, ...], told: str, unscored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {f.name: f.read_bytes() for f in unscored.iterdir()}
    assert run("score", unscored, *arguments) == 2
    caught = capsys.readouterr()
    assert told in caught.err
    assert caught.err.count("\n") == 1
    assert {f.name: f.read_bytes() for f in unscored.iterdir()} == before
