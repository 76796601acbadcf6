"""Every kind of encoder as ONNX: the same scores as torch, alone and in a batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")
transformers = pytest.importorskip("transformers", reason="training needs the train extra")

from penstock.errors import InputError  # noqa: E402
from penstock.runtime.text_model import OnnxTextModel, open_text_model  # noqa: E402
from penstock.training.hybrid import export as exporting  # noqa: E402
from penstock.training.hybrid.loop import logits_of, tokenise  # noqa: E402
from penstock.training.hybrid.network import load_parts, new_network, train_tokenizer  # noqa: E402
from penstock.training.hybrid.settings import HybridSettings, settings_for  # noqa: E402

PROMPTS = [
    "start at 5 , forward 3 , double . what number ?",
    "put in order q b a",
    "",
    "Ein Fluß, 水, und noch etwas mehr",
    "take the letters a b c d , reverse , left . what letters ? " * 9,
]


@pytest.fixture
def deberta(tmp_path: Path) -> Path:
    """A DeBERTa v3 of random weights and tiny size, saved as a checkpoint."""
    config = transformers.DebertaV2Config(
        vocab_size=300,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
        relative_attention=True,
        position_buckets=16,
        pos_att_type=["p2c", "c2p"],
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        position_biased_input=False,
        type_vocab_size=0,
    )
    torch.manual_seed(0)
    transformers.DebertaV2Model(config).save_pretrained(tmp_path / "deberta")
    raw = train_tokenizer(PROMPTS, 300)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="[PAD]", cls_token="[CLS]")
    fast.save_pretrained(tmp_path / "deberta")
    return tmp_path / "deberta"


def exported(settings: HybridSettings, folder: Path, *, outputs: int = 2) -> tuple[OnnxTextModel, np.ndarray]:
    """The ONNX model, and torch's scores of the prompts."""
    parts = load_parts(settings, PROMPTS)
    network = new_network(parts, outputs, settings)
    torch.nn.init.normal_(network.head.weight, std=0.5)
    model = exporting.export(
        network.eval(),
        parts.tokenizer,
        folder,
        pad_id=parts.pad_id,
        max_length=settings.max_length,
        outputs=[f"m{i}" for i in range(outputs)],
        prompts=PROMPTS,
    )
    logits = logits_of(network, tokenise(parts.tokenizer, PROMPTS, settings.max_length), parts.pad_id)
    return model, 1 / (1 + np.exp(-logits))


def check(model: OnnxTextModel, expected: np.ndarray, *, tolerance: float = 1e-4) -> None:
    np.testing.assert_allclose(model.scores(PROMPTS), expected, atol=tolerance)
    alone = np.concatenate([model.scores([p]) for p in PROMPTS])
    np.testing.assert_allclose(alone, expected, atol=tolerance)
    settings, arrays = model.state()
    np.testing.assert_array_equal(open_text_model(settings, arrays).scores(PROMPTS), model.scores(PROMPTS))
    assert model.scores([]).shape == (0, 2)


def test_an_encoder_from_scratch(quick: HybridSettings, tmp_path: Path) -> None:
    check(*exported(replace(quick, max_length=40), tmp_path))


def test_the_hidden_states_of_an_embedded_model(tmp_path: Path) -> None:
    check(*exported(settings_for("embedded:tiny", max_length=40), tmp_path))


def test_the_paper_s_kind_of_encoder(deberta: Path, tmp_path: Path) -> None:
    check(*exported(settings_for(str(deberta), max_length=40), tmp_path / "out"))


def test_a_large_encoder_is_stored_in_half_precision(
    quick: HybridSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, expected = exported(quick, tmp_path / "whole")
    monkeypatch.setattr(exporting, "HALF_ABOVE", 0)
    half, _ = exported(quick, tmp_path / "half")
    assert len(half.onnx) < 0.75 * len(whole.onnx)
    check(half, expected, tolerance=5e-3)


def test_a_checkpoint_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--encoder"):
        load_parts(settings_for(str(tmp_path / "nothing")), PROMPTS)


def test_a_damaged_model_is_one_clear_error(quick: HybridSettings, tmp_path: Path) -> None:
    exported(quick, tmp_path)
    (tmp_path / "encoder.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError, match="text model"):
        OnnxTextModel.load(tmp_path)
    (tmp_path / "encoder.json").unlink()
    with pytest.raises(InputError, match=r"encoder\.json"):
        OnnxTextModel.load(tmp_path)
