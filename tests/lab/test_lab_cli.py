"""`penstock lab` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from penstock.cli.lab import app
from penstock.errors import InputError

runner = CliRunner()


def test_generate_writes_one_query_per_line(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    result = runner.invoke(app, ["generate", "--n", "30", "--seed", "2", "--out", str(path), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["problems"] == 30
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({row["query_id"] for row in rows}) == 30
    assert set(rows[0]) == {"query_id", "prompt", "task", "level", "reference", "group"}


def test_table_reports_every_level() -> None:
    pytest.importorskip("onnxruntime")
    result = runner.invoke(app, ["table", "--n", "24", "--models", "tiny", "--json"])
    assert result.exit_code == 0
    assert list(json.loads(result.stdout)["tiny"]["by_level"]) == [str(level) for level in range(1, 9)]
    shown = runner.invoke(app, ["table", "--n", "24", "--models", "tiny"])
    assert "tiny" in shown.stdout


def test_an_unknown_model_is_one_clear_error() -> None:
    result = runner.invoke(app, ["table", "--models", "huge"])
    assert isinstance(result.exception, InputError)
    assert "tiny" in str(result.exception)


def test_naming_no_model_is_an_error_too() -> None:
    result = runner.invoke(app, ["table", "--models", " , "])
    assert isinstance(result.exception, InputError)


def test_a_quick_build_prints_its_manifest(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    result = runner.invoke(app, ["build", "--out", str(tmp_path), "--models", "tiny", "--quick", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads((tmp_path / "manifest.json").read_text())
