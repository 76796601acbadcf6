"""A quick build end to end, and the way back into torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.lab.build import build
from penstock.lab.checkpoint import load_hf_tokenizer, load_torch
from penstock.lab.recipe import RECIPES, recipe_for
from penstock.runtime.model import LanguageModel

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnx")

QUESTION = "start at 7 , forward 3 , double . what number ?"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    torch.set_num_threads(1)  # steps this small lose more to waiting threads than they gain
    folder = tmp_path_factory.mktemp("built")
    return folder, build(folder, ["tiny", "small"], seed=3, quick=True)


def test_a_quick_build_writes_usable_models(built: tuple[Path, dict[str, Any]]) -> None:
    folder, manifest = built
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert list(manifest["models"]) == ["tiny", "small"]
    for name, entry in manifest["models"].items():
        assert entry["seed"] == 3
        assert entry["fp16_against_fp32"]["problems"] == 24
        (generation,) = LanguageModel.load(folder / f"{name}.onnx").generate([QUESTION], max_new_tokens=5)
        assert len(generation.tokens) <= 5


def test_another_build_into_the_folder_keeps_the_other_models(built: tuple[Path, dict[str, Any]]) -> None:
    folder, before = built
    after = build(folder, ["tiny"], seed=4, quick=True)
    assert after["models"]["small"] == before["models"]["small"]
    assert after["models"]["tiny"]["seed"] == 4
    assert after["models"]["tiny"]["sha256"] != before["models"]["tiny"]["sha256"]


def test_torch_and_onnx_compute_the_same(built: tuple[Path, dict[str, Any]]) -> None:
    for source in (built[0] / "small.onnx", "tiny"):
        model = LanguageModel.load(source)
        network = load_torch(source)
        ids = model.prompt_ids(QUESTION) + tuple(model.tokenizer.encode("10 , 20 . answer : 20"))
        with torch.no_grad():
            logits = network(torch.tensor([ids])).logits[0, :-1]
        expected = torch.log_softmax(logits.double(), -1)[range(len(ids) - 1), ids[1:]].numpy()
        np.testing.assert_allclose(model.log_probs(ids), expected, atol=2e-4)


def test_the_hf_tokenizer_frames_as_the_runtime_does() -> None:
    model = LanguageModel.load("tiny")
    assert load_hf_tokenizer("tiny")(f"<user> {QUESTION} <bot>")["input_ids"] == list(
        model.prompt_ids(QUESTION)
    )


def test_unknown_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="huge"):
        build(tmp_path, ["huge"])
    assert recipe_for("large", quick=True).steps < RECIPES["large"].steps


def test_folders_that_hold_something_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder"):
        build(tmp_path / "file", ["tiny"], quick=True)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="vocabulary"):
        build(tmp_path, ["tiny"], quick=True)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="manifest"):
        build(tmp_path, ["tiny"], quick=True)
