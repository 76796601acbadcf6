"""Every experiment, in a configuration of a few seconds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import experiment as command
from benchmarks.experiments import (
    ablation,
    methods,
    noise_grid,
    routerbench,
    runtime,
    swebench,
    train_size,
    votes,
    voting,
)
from benchmarks.experiments.agents import agent_split
from benchmarks.experiments.compare import run
from benchmarks.experiments.result import Result, Settings
from benchmarks.experiments.tables import grid_of, thinned
from penstock.core import _jit
from penstock.errors import TableError
from penstock.outcomes.splits import split_by_group


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of prices, two pools, two noises; compiled kernels from the first row, as in the command."""
    monkeypatch.setattr(_jit, "WORTH_COMPILED", 1)
    monkeypatch.setattr(methods, "MOST_POINTS", 5)
    monkeypatch.setattr(routerbench, "POOLS", {5: (0, 9, 4, 3, 5), 11: tuple(range(11))})
    monkeypatch.setattr(voting, "KINDS", ("own answer", "per set", "joint"))
    few = ("gpt-3.5 cot x1", "gpt-3.5 pot x4 voted", "gpt-3.5 pot x15 voted", "gpt-4 cot")
    monkeypatch.setattr(votes, "VOTERS", {name: votes.VOTERS[name] for name in few})
    quick = tuple(m for m in routerbench.FITTED if "per set" not in m.name or m.name == "index, per set")
    monkeypatch.setattr(routerbench, "FITTED", quick)
    monkeypatch.setattr(runtime, "COUNTS", (3, 11, 100))
    monkeypatch.setattr(runtime, "MANY", 12)
    monkeypatch.setattr(train_size, "SIZES", (40, 80))
    monkeypatch.setattr(voting, "TABLES", {"zeroeval_gsm": voting.TABLES["zeroeval_gsm"]})


def areas(body: str) -> dict[str, list[float]]:
    """Method -> areas, of the first table of a page."""
    first = body[body.index("| AUC x 100") :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    cells = [[c.strip(" *") for c in line.strip("|").split("|")] for line in first]
    return {row[0]: [float(c) for c in row[1:] if c != "–"] for row in cells}


def check(result: Result, *, names: tuple[str, ...]) -> None:
    """A page with numbers, claims that are decided, and figures that are well-formed."""
    found = areas(result.body)
    for name in names:
        assert name in found
    for name, values in found.items():
        assert all(0 <= v <= top + 1e-9 for v, top in zip(values, found["oracle"], strict=False)), name
    assert result.figures
    for svg in result.figures.values():
        root = ElementTree.fromstring(svg)
        lines = [e for e in root.iter() if e.tag.endswith("polyline")]
        assert len(lines) >= 4
        assert all(re.fullmatch(r"[-\d., ]+", line.attrib["points"]) for line in lines)


def test_routerbench(tables: Path) -> None:
    result = routerbench.experiment(Settings(tables, seeds=1))
    check(result, names=("routing", "index, refined", "cascade routing, variance slip"))
    required = [c.text for c in result.claims if c.required]
    assert len(required) == 15  # 3 levels x (3 policies above as published, level with the index, time)
    assert "simulated estimators on real outcomes" in result.body.lower()


def test_noise_grid(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise_grid, "HIGHEST", 1.2)
    result = noise_grid.experiment(Settings(tables, seeds=1))
    assert result.body.count("\n| 1.2 |") == 4
    # with nothing left to learn after a run, refining changes nothing
    refined = result.body.split("### cascade routing, refined")[1].split("###")[0]
    rows = [line.split("|") for line in refined.splitlines() if line.startswith("| 1.2")]
    assert rows[0][2].strip(" *") in ("+0.00", "-0.00")


def test_ablation(tables: Path) -> None:
    result = ablation.experiment(Settings(tables, seeds=1))
    check(result, names=("normal", "greedy", "no-expect", "index"))
    assert all(c.holds for c in result.claims), "Lemma 1 must change no decision"


def test_runtime(tables: Path) -> None:
    result = runtime.experiment(Settings(tables, seeds=1, rows=100))
    check(result, names=("index, refined", "cascade routing, refined"))
    assert len(result.claims) == 4


def test_swebench(tables: Path) -> None:
    result = swebench.experiment(Settings(tables, seeds=1))
    check(result, names=("routing", "index, joint", "cascade routing, test result hidden"))
    found = areas(result.body)
    assert found["cascade routing, joint"][0] > found["routing"][0], "a visible test result is worth a lot"


def test_voting(tables: Path) -> None:
    result = voting.experiment(Settings(tables, seeds=1))
    check(result, names=("routing", "index, per set", "cascade routing, joint"))
    assert "gpt-3.5 pot x15 voted" in result.body


def test_train_size(tables: Path) -> None:
    result = train_size.experiment(Settings(tables, seeds=1))
    check(result, names=("routing", "index, refined"))


def test_an_unknown_file_is_named(tables: Path) -> None:
    with pytest.raises(TableError, match="no column"):
        routerbench.routerbench(Settings(tables, routerbench=_wide(tables, "gpt-9")))


def _wide(tables: Path, model: str) -> Path:
    """A file of RouterBench's wide shape, with one model."""
    file = tables / "wide.csv"
    rows = [
        "sample_id,prompt,eval_name," + f"{model},{model}|model_response,{model}|total_cost",
        *(f"arc.{i},what is {i},arc,1.0,A,0.001" for i in range(30)),
    ]
    file.write_text("\n".join(rows), encoding="utf-8")
    return file


def test_the_command_writes_its_page_and_the_index(tables: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from benchmarks import experiment; from benchmarks.experiments import methods;"
        "methods.MOST_POINTS = 4; sys.exit(experiment.main())"
    )
    arguments = ["swebench", "--tables", str(tables), "--seeds", "1", "--out", str(tmp_path)]
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=command.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "swebench.md").read_text(encoding="utf-8")
    assert "python benchmarks/experiment.py swebench --seeds 1" in page
    assert str(tables) not in page
    assert "[swebench](swebench.md)" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert (tmp_path / "swebench.svg").exists()


@pytest.mark.real_tables
def test_real_tables_are_what_the_experiments_expect(real_tables: Path) -> None:
    """The names of RouterBench are checked, votes are cast, and a tiny split runs."""
    grid = routerbench.routerbench(Settings(real_tables, rows=200))
    assert grid.quality.shape[1] == 11
    assert voting.voting_grid(Settings(real_tables, rows=20)).complete.all()
    grid = thinned(grid_of(Settings(real_tables), "swebench_verified"), 5)
    fit, test = split_by_group(grid.queries, 0.5, 0)
    split = agent_split(grid, fit, test, 0)
    hidden, visible = (run(m, split).auc for m in swebench.METHODS if m.name in ("routing", "index, joint"))
    assert visible > hidden + 0.03
