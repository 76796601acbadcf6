"""`--cost latency`: fitted, routed, evaluated and reported in seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from penstock.cli.app import main
from penstock.outcomes.cost_unit import LATENCY
from penstock.outcomes.io import write_table
from penstock.router.bundle import load_bundle
from penstock.testing.tables import as_table, tiny_matrix

QUICK = ["--estimator", "ridge", "--policy", "routing"]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = 0
    try:
        main([str(a) for a in arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, *capsys.readouterr()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seconds are 2,000 times the USD of a call; "untimed" has none."""
    folder = tmp_path_factory.mktemp("timed")
    for name, seed in (("train", 1), ("test", 2), ("untimed", 1)):
        table = as_table(tiny_matrix(60, seed=seed), name)
        if name != "untimed":
            timed = table.outcomes.with_columns((pl.col("cost_usd") * 2000).alias("latency_s"))
            table = replace(table, outcomes=timed)
        write_table(table, folder / name)
    return folder


def test_a_router_of_seconds(tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    router = tmp_path / "r.penstock"
    asked = ["--cost", "latency", "--budget", "1.5", "-o", router]
    code, out, err = run(capsys, "fit", tables / "train", *asked, *QUICK)
    assert code == 0, err
    assert "USD" not in out
    assert load_bundle(router).cost_unit == LATENCY
    assert 0.2 < load_bundle(router).operating_point().cost <= 1.5 * (1 + 1e-12)

    code, out, err = run(capsys, "route", router, "tell me of the harbour")
    assert code == 0, err
    assert "expected s" in out
    assert "USD" not in out

    page = tmp_path / "report.html"
    code, out, err = run(
        capsys, "evaluate", router, "--test", tables / "test", "--draws", 60, "--json", "--report", page
    )
    assert code == 0, err
    document = json.loads(out)
    assert document["cost_unit"] == "latency"
    assert 3.0 < document["controls"]["best_fixed"]["cost"] < 5.0
    assert document["asked_achieved"][0]["achieved"]["cost"] < 2.0
    assert "s per query" in page.read_text()
    assert "USD per" not in page.read_text()

    code, out, err = run(capsys, "evaluate", router, "--test", tables / "test", "--draws", 60)
    assert code == 0, err
    assert " s; cheapest" in out


def test_decisions_are_those_of_dollars_where_seconds_are_proportional(
    tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {}
    for cost in ("usd", "usd+1*latency"):
        both = ["--fit", tables / "train", "--test", tables / "test", "--cost", cost, "--draws", 60, "--json"]
        code, out, err = run(capsys, "evaluate", *both, *QUICK)
        assert code == 0, err
        said[cost] = json.loads(out)["policies"]["routing/ridge"]["gain_ratio"]
    assert said["usd+1*latency"] == pytest.approx(said["usd"], rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("fit", "untimed", "--budget", "1", "--cost", "latency"), "no outcome has a latency"),
        (("fit", "train", "--budget", "1", "--cost", "time"), "is no cost"),
        (("fit", "train", "--budget", "0.0001", "--cost", "latency", *QUICK), "s per query"),
    ],
)
def test_what_cannot_be_counted(
    tables: Path, arguments: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, table, *rest = arguments
    code, out, err = run(capsys, verb, tables / table, *rest, "-o", tmp_path / "never.penstock")
    assert code == 2
    assert says in err
    assert not out
    assert not (tmp_path / "never.penstock").exists()


def test_a_router_keeps_its_unit(tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    router = tmp_path / "usd.penstock"
    assert run(capsys, "fit", tables / "train", "--savings", "0.5", "-o", router, *QUICK)[0] == 0
    code, _, err = run(capsys, "evaluate", router, "--test", tables / "test", "--cost", "latency")
    assert code == 2
    assert "--cost" in err
