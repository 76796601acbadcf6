"""`penstock train hybrid` as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("transformers", reason="training needs the train extra")

from penstock.cli import main
from penstock.errors import BundleError
from penstock.outcomes.io import write_table
from penstock.outcomes.splits import groups_of
from penstock.outcomes.table import OutcomeTable
from penstock.router.bundle import load_bundle
from penstock.runtime.text_model import OnnxTextModel, open_text_model
from penstock.testing.tables import as_table, tiny_matrix
from penstock.training.hybrid import recipe
from penstock.training.hybrid.samples import samples_of
from penstock.types import Query

QUICK = ("--encoder", "scratch", "--epochs", "2", "--batch", "16")


def penstock(*arguments: object) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    return int(stopped.value.code or 0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of a finished run over three models, and its report."""
    base = tmp_path_factory.mktemp("hybrid")
    write_table(as_table(tiny_matrix(400, seed=0)), base / "data")
    code = penstock(
        "train", "hybrid", "--data", base / "data", "--out", base / "out", *QUICK,
        "--labels", "prob", "--shares", "0.1,0.3",
    )  # fmt: skip
    assert code == 0
    return base, json.loads((base / "out" / "hybrid.json").read_text())


def test_the_report_says_what_was_done(trained: tuple[Path, dict[str, Any]]) -> None:
    base, report = trained
    assert report["strongest"] == "large"
    assert sorted(report["weaker"]) == ["middle", "small"]
    assert report["rows"]["training"] + report["rows"]["validation"] + report["rows"]["calibration"] == 400
    assert report["t"] == [0.0, 0.0]
    for name in report["weaker"]:
        assert report["calibrated"][name]["drop"] <= report["drop_limit"]
    assert not (base / "out" / "checkpoint").exists()


def test_the_router_serves_what_the_encoder_says(trained: tuple[Path, dict[str, Any]]) -> None:
    base, _ = trained
    router = load_bundle(base / "out" / "router.penstock", open_model=open_text_model)
    model = OnnxTextModel.load(base / "out")
    queries = [Query.from_prompt(str(i), q.prompt) for i, q in enumerate(tiny_matrix(40, seed=5).queries)]
    assert router.provenance["recipe"] == "hybrid"
    assert router.provenance["chosen"] == "routing/encoder"
    quality = router.begin(queries).quality
    assert quality.shape == (40, 3)
    scores = model.scores([q.prompt for q in queries])
    assert np.isfinite(scores).all()
    with pytest.raises(BundleError, match="a model that reads prompts"):
        load_bundle(base / "out" / "router.penstock")


def test_it_evaluates_and_routes_from_the_command_line(
    trained: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    base, _ = trained
    write_table(as_table(tiny_matrix(80, seed=7)), tmp_path / "test")
    router = base / "out" / "router.penstock"
    assert penstock("evaluate", router, "--test", tmp_path / "test", "--json", "--draws", "50") == 0
    assert json.loads(capsys.readouterr().out)["test_queries"] == 80
    assert penstock("route", router, "sum carry the one", "--json") == 0
    assert json.loads(capsys.readouterr().out)["call"] in {"small", "middle", "large"}


def test_parts_share_no_question() -> None:
    table = as_table(tiny_matrix(200, seed=3))
    samples, _ = samples_of(table)
    parts = recipe._split(samples, (0.2, 0.2))
    names = [set(groups_of(p.queries)) for p in (parts.training, parts.validation, parts.calibration)]
    assert not names[0] & names[1]
    assert not names[0] & names[2]
    assert not names[1] & names[2]
    assert sum(map(len, names)) == len(set(groups_of(samples.queries)))


def test_an_occupied_folder_is_left_alone(
    trained: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    base, _ = trained
    before = (base / "out" / "encoder.onnx").read_bytes()
    assert penstock("train", "hybrid", "--data", base / "data", "--out", base / "out", *QUICK) == 2
    assert "stands there already" in capsys.readouterr().err
    assert (base / "out" / "encoder.onnx").read_bytes() == before
    assert penstock("train", "hybrid", "--data", base / "data", "--out", base / "out", "--resume") == 2
    assert "no interrupted run" in capsys.readouterr().err


def test_a_table_without_costs_trains_and_says_why_there_is_no_router(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny_table: OutcomeTable
) -> None:
    write_table(tiny_table, tmp_path / "data")
    path = tmp_path / "data" / "outcomes.parquet"
    pl.read_parquet(path).with_columns(
        *(pl.lit(None, dtype=pl.Int64).alias(c) for c in ("input_tokens", "output_tokens")),
        pl.lit(None, dtype=pl.Float64).alias("cost_usd"),
    ).write_parquet(path)
    code = penstock(
        "train", "hybrid", "--data", tmp_path / "data", "--out", tmp_path / "out",
        "--encoder", "scratch", "--epochs", "1", "--small", "small", "--large", "large", "--json",
    )  # fmt: skip
    assert code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["router"] is None
    assert "cost" in told["why_no_router"]
    assert (tmp_path / "out" / "encoder.onnx").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--labels", "maybe"], "labels"),
        (["--small", "large", "--large", "large"], "both"),
        (["--large", "huge", "--small", "small"], "no model is called 'huge'"),
        (["--shares", "0.5"], "two numbers"),
        (["--shares", "0.6,0.6"], "below 1"),
        (["--shares", "0.01,0.9"], "at least 20"),
    ],
)
def test_bad_input_is_one_line(
    flags: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    tiny_table: OutcomeTable,
) -> None:
    write_table(tiny_table, tmp_path / "data")
    code = penstock("train", "hybrid", "--data", tmp_path / "data", "--out", tmp_path / "out", *QUICK, *flags)
    told = capsys.readouterr().err
    assert code == 2
    assert message in told
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
