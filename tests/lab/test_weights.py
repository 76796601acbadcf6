"""The shipped models are the ones the manifest describes, and differ as a cascade needs."""

from __future__ import annotations

import json
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from penstock.candidates import Confidence
from penstock.lab.evaluate import Accuracy, accuracy, answer
from penstock.lab.tasks import generate
from penstock.lab.vocabulary import build_tokenizer
from penstock.providers.stream_reader import is_refusal
from penstock.runtime.model import LanguageModel
from penstock.runtime.shipped import shipped_models
from penstock.training.sater.refusals import prompt_at

pytest.importorskip("onnxruntime")

FOLDER = Path(str(files("penstock"))) / "lab" / "weights"
MODELS = ("tiny", "small", "large")
TRAINED = "small-sater"
"""`small` after SATER's two stages."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def measured() -> dict[str, Accuracy]:
    problems = generate(240, 77)
    return {name: accuracy(answer(LanguageModel.load(name), problems)) for name in MODELS}


def test_files_are_those_of_the_manifest(manifest: dict[str, Any]) -> None:
    assert set(shipped_models()) == set(manifest["models"]) == {*MODELS, TRAINED}
    for entry in (manifest["tokenizer"], *manifest["models"].values()):
        content = (FOLDER / entry["file"]).read_bytes()
        assert len(content) == entry["bytes"]
        assert sha256(content).hexdigest() == entry["sha256"]


def test_everything_shipped_stays_under_15_megabytes() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 15_000_000


def test_the_shipped_tokenizer_is_the_one_the_code_builds() -> None:
    shipped = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    assert shipped["model"]["vocab"] == build_tokenizer().get_vocab()


def test_accuracy_rises_from_tiny_to_small_to_large(measured: dict[str, Accuracy]) -> None:
    shares = [measured[name].overall or 0.0 for name in MODELS]
    # 240 problems: a difference of two shares has a standard error of at most .046.
    assert shares[1] - shares[0] > 0.1
    assert shares[2] - shares[1] > 0.1


def test_accuracy_falls_with_difficulty(measured: dict[str, Accuracy]) -> None:
    for name in MODELS:
        levels = measured[name].by_level
        easy, middle, hard = (
            sum(levels[str(level)] or 0.0 for level in group) / len(group)
            for group in ((1, 2, 3), (4, 5, 6), (7, 8))
        )
        assert easy > middle > hard


def test_the_manifest_states_what_is_measured_here(
    manifest: dict[str, Any], measured: dict[str, Accuracy]
) -> None:
    for name in MODELS:
        stated = manifest["models"][name]["evaluation"]["overall"]
        assert measured[name].overall == pytest.approx(stated, abs=0.1)


def test_fp16_weights_answer_as_fp32_did(manifest: dict[str, Any]) -> None:
    for name in (*MODELS, TRAINED):
        agreement = manifest["models"][name]["fp16_against_fp32"]
        assert agreement["problems"] >= 500
        assert agreement["same_answer"] >= 0.98
        assert agreement["accuracy_fp16"] == pytest.approx(agreement["accuracy_fp32"], abs=0.01)


def test_the_trained_model_answers_briefly_and_refuses_by_confidence(manifest: dict[str, Any]) -> None:
    told = Confidence()
    problems = generate(120, 78)
    model = LanguageModel.load(TRAINED)
    refused = []
    for threshold in (None, 0.1, 1.0):
        prompts = [prompt_at(problem.prompt, threshold, told) for problem in problems]
        refused.append(sum(is_refusal(one.text, told) for one in model.generate(prompts)))
    assert refused[0] <= 2
    assert refused[1] + 12 <= refused[2]
    models = manifest["models"]
    assert models[TRAINED]["base"] == "small"
    assert models[TRAINED]["evaluation"]["mean_tokens"] < 0.7 * models["small"]["evaluation"]["mean_tokens"]
