"""The training loop: what it learns, what it keeps, and that a killed run goes on as if nothing had been."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("transformers", reason="training needs the train extra")

from penstock.errors import InputError  # noqa: E402
from penstock.training.hybrid import checkpoints  # noqa: E402
from penstock.training.hybrid.alignment import spearman  # noqa: E402
from penstock.training.hybrid.loop import Rows, Trained, logits_of, tokenise, train  # noqa: E402
from penstock.training.hybrid.network import load_parts, new_network  # noqa: E402
from penstock.training.hybrid.settings import HybridSettings  # noqa: E402

WORDS = {"easy": ["short", "plain", "simple"], "hard": ["proof", "integral", "theorem"]}


class Killed(Exception):
    """What a test raises to stop a run."""


def prompts(n: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Prompts of easy and of hard words, and 1 where easy."""
    rng = np.random.default_rng(seed)
    easy = rng.random(n) < 0.5
    texts = [" ".join(rng.choice(WORDS["easy" if e else "hard"], 5)) for e in easy]
    return texts, easy.astype(float)


def rows(tokenizer: Any, n: int, seed: int) -> Rows:
    texts, easy = prompts(n, seed)
    noise = np.random.default_rng(seed + 100).uniform(-0.05, 0.05, n)
    soft = np.clip(0.15 + 0.7 * easy + noise, 0, 1)[:, None]
    return Rows(tokenise(tokenizer, texts, 64), soft, soft - 1.0)


def run(
    settings: HybridSettings,
    folder: Path,
    *,
    resume: bool = False,
    kill_at: int | None = None,
    rows_seed: int = 0,
) -> tuple[Any, Trained]:
    """Train on 96 rows; ``kill_at`` stops after that many steps."""
    encoder = load_parts(settings, prompts(96, rows_seed)[0])
    network = new_network(encoder, 1, settings)

    def tell(what: str, step: int, steps: int, loss: float) -> None:
        if kill_at is not None and step >= kill_at:
            raise Killed

    trained = train(
        network,
        rows(encoder.tokenizer, 96, rows_seed),
        rows(encoder.tokenizer, 40, 1),
        settings,
        pad_id=encoder.pad_id,
        folder=folder,
        resume=resume,
        progress=tell,
    )
    return (network, encoder.tokenizer, encoder.pad_id), trained


def weights(network: Any) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in network[0].state_dict().items()}


def test_it_learns_which_prompts_are_easy(quick: HybridSettings, tmp_path: Path) -> None:
    (network, tokenizer, pad), trained = run(quick, tmp_path)
    texts, easy = prompts(60, 9)
    logits = logits_of(network, tokenise(tokenizer, texts, 64), pad)[:, 0]
    assert spearman(logits, easy) > 0.8
    assert len(trained.history) == quick.epochs
    assert trained.history[-1]["training_loss"] < np.log(2)


@pytest.mark.parametrize(("optimizer", "accumulation"), [("adamw", 1), ("adafactor", 2)])
@pytest.mark.parametrize("kill_at", [2, 4])
def test_a_killed_run_resumes_to_the_same_weights(
    quick: HybridSettings, tmp_path: Path, kill_at: int, optimizer: str, accumulation: int
) -> None:
    settings = replace(quick, optimizer=optimizer, accumulation=accumulation, save_steps=1)
    whole, trained = run(settings, tmp_path / "whole")
    with pytest.raises(Killed):
        run(settings, tmp_path / "cut", kill_at=kill_at)
    assert checkpoints.present(tmp_path / "cut")
    resumed, again = run(settings, tmp_path / "cut", resume=True)
    assert again.history == trained.history
    for name, value in weights(whole).items():
        np.testing.assert_array_equal(weights(resumed)[name], value, err_msg=name)


def test_saving_less_often_changes_nothing(quick: HybridSettings, tmp_path: Path) -> None:
    often, _ = run(replace(quick, save_steps=1), tmp_path / "often")
    seldom, _ = run(quick, tmp_path / "seldom")
    for name, value in weights(often).items():
        np.testing.assert_array_equal(weights(seldom)[name], value, err_msg=name)


def test_the_best_epoch_is_kept_and_waiting_ends(quick: HybridSettings, tmp_path: Path) -> None:
    wild = replace(quick, epochs=12, learning_rate=0.3, patience=2)
    _, trained = run(wild, tmp_path)
    assert trained.stopped_early
    assert len(trained.history) == trained.best_epoch + 1 + 2
    best = max(h["spearman"] for h in trained.history)
    assert trained.history[trained.best_epoch]["spearman"] == best


def test_accumulated_batches_are_one_large_batch(quick: HybridSettings, tmp_path: Path) -> None:
    still = replace(quick, epochs=1, dropout=0.0)
    whole, _ = run(replace(still, batch=32), tmp_path / "whole")
    parts, _ = run(replace(still, batch=8, accumulation=4), tmp_path / "parts")
    for name, value in weights(whole).items():
        np.testing.assert_allclose(weights(parts)[name], value, atol=2e-4, err_msg=name)


def test_a_checkpoint_of_other_data_or_settings_is_refused(quick: HybridSettings, tmp_path: Path) -> None:
    run(quick, tmp_path)
    with pytest.raises(InputError, match="other settings or other data"):
        run(quick, tmp_path, resume=True, rows_seed=5)
    with pytest.raises(InputError, match="other settings or other data"):
        run(replace(quick, learning_rate=1e-4), tmp_path, resume=True)


def test_a_damaged_checkpoint_is_one_clear_error(quick: HybridSettings, tmp_path: Path) -> None:
    run(quick, tmp_path)
    (tmp_path / "checkpoint" / "tensors.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(InputError, match="can be resumed"):
        run(quick, tmp_path, resume=True)


def test_an_interrupted_replacement_falls_back_to_the_older_checkpoint(
    quick: HybridSettings, tmp_path: Path
) -> None:
    _, trained = run(quick, tmp_path)
    (tmp_path / "checkpoint").rename(tmp_path / ".checkpoint.old")
    assert checkpoints.present(tmp_path)
    _, again = run(quick, tmp_path, resume=True)
    assert again.history == trained.history


def test_half_precision_needs_a_gpu(quick: HybridSettings, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(InputError, match="GPU"):
        run(replace(quick, precision="fp16"), tmp_path)


def test_bf16_trains_too(quick: HybridSettings, tmp_path: Path) -> None:
    _, trained = run(replace(quick, precision="bf16", epochs=1), tmp_path)
    assert trained.precision == "bf16"
    assert np.isfinite(trained.history[0]["validation_loss"])
