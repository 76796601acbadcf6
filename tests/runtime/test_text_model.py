"""Text models from ONNX without torch: ``assets/mean_of_ids.onnx`` scores sigmoid(mean id x (0.5, -0.25))."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from penstock.errors import InputError
from penstock.runtime import text_model
from penstock.runtime.text_model import OnnxTextModel, open_text_model

ONNX = Path(__file__).parent / "assets" / "mean_of_ids.onnx"
WORDS = {"[PAD]": 0, "one": 1, "two": 2, "seven": 7, "nine": 9}
PROMPTS = ["one two", "seven", "nine nine nine one", "", "two two two two two two two"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What an export leaves in a folder."""
    words = {**WORDS, **{f"w{i}": i for i in range(10) if i not in WORDS.values()}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[PAD]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    (tmp_path / "encoder.onnx").write_bytes(ONNX.read_bytes())
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str())
    (tmp_path / "encoder.json").write_text(json.dumps({"max_length": 5, "pad_id": 0}))
    return tmp_path


def expected(prompt: str) -> list[float]:
    ids = [WORDS[w] for w in prompt.split()][:5] or [0]
    return [1 / (1 + np.exp(-np.mean(ids) * slope)) for slope in (0.5, -0.25)]


def test_scores_read_each_prompt_by_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = OnnxTextModel.load(folder)
    wanted = [expected(p) for p in PROMPTS]
    np.testing.assert_allclose(model.scores(PROMPTS), wanted, atol=1e-6)
    monkeypatch.setattr(text_model, "BATCH", 2)
    np.testing.assert_allclose(model.scores(PROMPTS), wanted, atol=1e-6)
    np.testing.assert_allclose(model.scores(PROMPTS[:1]), wanted[:1], atol=1e-6)
    assert model.scores([]).shape == (0, 2)


def test_it_is_the_same_after_its_state(folder: Path) -> None:
    model = OnnxTextModel.load(folder)
    settings, arrays = model.state()
    again = open_text_model(json.loads(json.dumps(settings)), arrays)
    np.testing.assert_array_equal(again.scores(PROMPTS), model.scores(PROMPTS))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("encoder.onnx", b"nothing", "text model"),
        ("tokenizer.json", b"{}", "tokenizer"),
        ("encoder.json", b"{}", "does not describe an encoder"),
        ("encoder.json", None, "cannot be read"),
    ],
)
def test_what_is_missing_or_damaged_is_one_clear_error(
    folder: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        OnnxTextModel.load(folder)
