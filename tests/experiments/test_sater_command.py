"""The experiment's command, end to end on a miniature, with the model it ships."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="training needs TRL: pip install 'penstock[train]'")
pytest.importorskip("onnx")

from benchmarks import sater
from benchmarks.experiments import sater_runs
from penstock.runtime.model import LanguageModel
from penstock.runtime.shipped import model_path


def test_a_quick_run_writes_the_page_and_ships_the_first_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    torch.set_num_threads(1)
    monkeypatch.setattr(sater_runs, "OPERATING", {13.75: sater_runs.RCV, 100.0: sater_runs.FCV})
    models = tmp_path / "models"
    models.mkdir()
    (models / "manifest.json").write_text('{"format": 1, "models": {}}', encoding="utf-8")
    shutil.copy(model_path("tiny").parent / "tokenizer.json", models)
    command = f"sater.py --quick --seeds 1 --workers 1 --model tiny --work {tmp_path / 'work'}"
    monkeypatch.setattr(sys, "argv", f"{command} --out {tmp_path} --ship {models}".split())
    status = sater.main()
    printed = capsys.readouterr().out
    assert status == ("does not hold" in printed)
    assert (tmp_path / "sater.md").read_text(encoding="utf-8") in printed
    entry = json.loads((models / "manifest.json").read_text(encoding="utf-8"))["models"]["tiny-sater"]
    assert entry["recipe"]["questions"] == 60
    assert entry["training_seconds"] > 0
    assert LanguageModel.load(models / "tiny-sater.onnx").generate(["double 3 ."])
    assert sater.main() == status
    assert "from finished stages" in capsys.readouterr().out
