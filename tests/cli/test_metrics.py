"""Scoring by a model, and the go or no-go of two metrics, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penstock.cli import main
from penstock.lab.tasks import generate
from penstock.outcomes.io import read_table, write_table
from penstock.outcomes.table import OutcomeTable
from penstock.testing.tables import as_table, tiny_matrix

POOL = """\
candidates:
  - name: critic
    provider: scripted
    model: critic
    price: {input: 1.0, output: 10.0}
    replies: ["Fine. Rating: [[7]]"]
"""


def penstock(*arguments: object) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    return int(stopped.value.code or 0)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A table of lab problems answered rightly by ``large`` and wrongly by ``small``."""
    made = as_table(tiny_matrix(20, seed=1))
    problems = generate(20, seed=3, levels=(2, 3))
    queries = made.queries.with_columns(
        pl.Series("prompt", [p.prompt for p in problems]),
        pl.Series("reference", [p.reference for p in problems]),
    )
    texts = dict(zip(queries["query_id"], problems, strict=True))
    others = dict(zip(queries["query_id"], [*problems[1:], problems[0]], strict=True))
    response = [
        (texts if row["model"] == "large" else others)[row["query_id"]].solutions[1]
        for row in made.outcomes.to_dicts()
    ]
    outcomes = made.outcomes.with_columns(pl.Series("response", response))
    write_table(OutcomeTable("lab", queries, outcomes, made.models), tmp_path / "lab")
    return tmp_path / "lab"


def means(table: Path) -> dict[str, float]:
    outcomes = read_table(table).outcomes
    return dict(outcomes.group_by("model").agg(pl.col("quality").mean()).iter_rows())


def test_a_reference_is_likelier_after_right_reasoning(lab: Path, tmp_path: Path) -> None:
    assert penstock("score", lab, "--scorer", "likelihood:small", "--out", tmp_path / "out", "--json") == 0
    found = means(tmp_path / "out")
    assert found["large"] > 0.8 > 0.6 > found["small"]


def test_a_judge_of_the_pool_scores_and_says_what_it_cost(
    lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pool.yaml").write_text(POOL)
    code = penstock(
        "score", lab, "--scorer", "judge:critic", "--pool", tmp_path / "pool.yaml",
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    told = capsys.readouterr()
    assert code == 0
    json.loads(told.out)
    assert "40 judged, 0 unparsable, 0 refused, 0 failed; spent $" in told.err
    assert list(means(tmp_path / "out").values()) == pytest.approx([6 / 9] * 3)


@pytest.mark.parametrize("scorer", ["judge", "judge:critic"])
def test_a_judge_needs_a_pool(lab: Path, scorer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert penstock("score", lab, "--scorer", scorer) == 2
    assert "pool file" in capsys.readouterr().err


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    """One table, and the same with a little noise on every quality."""
    made = as_table(tiny_matrix(150, seed=6))
    rng = np.random.default_rng(0)
    noisy = np.clip(made.outcomes["quality"].to_numpy() + rng.normal(0, 0.1, made.outcomes.height), 0, 1)
    write_table(made, tmp_path / "a")
    outcomes = made.outcomes.with_columns(pl.Series("quality", noisy))
    write_table(OutcomeTable("b", made.queries, outcomes, made.models), tmp_path / "b")
    return tmp_path / "a", tmp_path / "b"


def test_metrics_that_agree_are_a_go(tables: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    a, b = tables
    assert penstock("train", "align", "--data", a, "--other", b, "--pair", "small,large", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["go"] is True
    assert found["n"] == 150
    assert found["pearson"] > 0.9
    assert penstock("train", "align", "--data", a, "--other", b, "--pair", "small,large") == 0
    assert "go on 150 queries" in capsys.readouterr().out


def test_pairs_are_compared_within_one_table(
    tables: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    a, _ = tables
    code = penstock(
        "train", "align", "--data", a, "--pair", "small,large", "--other-pair", "middle,large", "--json"
    )
    assert code == 0
    assert -1 <= json.loads(capsys.readouterr().out)["spearman"] <= 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [(["--pair", "small"], "not two models"), (["--pair", "small,large"], "nothing to compare")],
)
def test_bad_input_is_one_line(
    flags: list[str], message: str, tables: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    other = [] if "small,large" in flags else ["--other", str(tables[1])]
    assert penstock("train", "align", "--data", tables[0], *flags, *other) == 2
    assert message in capsys.readouterr().err
