"""`penstock lab build`: train, export, measure and write down, for each model in turn."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from penstock.answers.marked import extract_answer
from penstock.errors import InputError
from penstock.lab.checkpoint import save_onnx
from penstock.lab.evaluate import Trial, accuracy, answer
from penstock.lab.problem import Problem
from penstock.lab.recipe import RECIPES, Recipe, recipe_for
from penstock.lab.shape import Shape
from penstock.lab.tasks import generate
from penstock.lab.train import Progress, train
from penstock.lab.vocabulary import build_tokenizer
from penstock.runtime.model import LanguageModel
from penstock.runtime.network import Network
from penstock.runtime.tokenizer import Tokenizer

EVALUATION_PROBLEMS = 1920
"""Held-out problems each built model answers: 80 per skill and level."""
EVALUATION_SEED = 20_000

MANIFEST = "manifest.json"


def build(
    out_dir: Path,
    models: Sequence[str] = tuple(RECIPES),
    seed: int = 0,
    *,
    quick: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train and write models.

    Writes tokenizer.json, NAME.onnx (fp16 weights) for each model, and manifest.json: per model the file's
    sha256 and size, its number of parameters, the recipe and seed, training time, greedy accuracy on held-out
    problems by level and skill, and how far the fp16 file answers as the fp32 weights do. Models that were in
    the folder already and are not built now keep their entry.

    Args:
        out_dir: created if missing.
        models: names of recipes.
        seed: of weights and data.
        quick: a few steps and a few problems only, to try the machinery; the models know nothing.
        progress: told what is being done, how far, and the training loss.

    Returns:
        The manifest.

    Raises:
        InputError: an unknown model, a folder that cannot be made, or one that holds something else.
        MissingExtra: the `train` extra is not installed.
    """
    recipes = [recipe_for(name, quick=quick) for name in models]
    tell = progress or _silent
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make this folder: {error.strerror}", file=out_dir) from error
    entries = _kept_entries(out_dir)
    tokenizer = _write_tokenizer(out_dir)
    problems = generate(24 if quick else EVALUATION_PROBLEMS, EVALUATION_SEED)
    for recipe in recipes:
        entries[recipe.name] = _build_one(recipe, tokenizer, out_dir, problems, seed=seed, tell=tell)
    manifest = {
        "format": 1,
        "tokenizer": file_entry(out_dir / "tokenizer.json"),
        "models": {name: entries[name] for name in sorted(entries, key=_order)},
    }
    text = json.dumps(manifest, indent=1) + "\n"
    (out_dir / MANIFEST).write_text(text, encoding="utf-8")
    written: dict[str, Any] = json.loads(text)
    return written


def _build_one(
    recipe: Recipe,
    tokenizer: Tokenizer,
    out_dir: Path,
    problems: Sequence[Problem],
    *,
    seed: int,
    tell: Progress,
) -> dict[str, Any]:
    started = time.perf_counter()
    network = train(recipe, tokenizer, seed=seed, progress=tell)
    seconds = time.perf_counter() - started
    shape = Shape.of(recipe, tokenizer.size)
    path = out_dir / f"{recipe.name}.onnx"
    save_onnx(network, shape, path)
    tell(f"measure {recipe.name}", 0, 2, 0.0)
    trials = answer(LanguageModel.load(path), problems)
    tell(f"measure {recipe.name}", 1, 2, 0.0)
    with TemporaryDirectory() as folder:
        full = Path(folder) / path.name
        save_onnx(network, shape, full, precision="fp32")
        full_trials = answer(LanguageModel(Network(full), tokenizer), problems)
    tell(f"measure {recipe.name}", 2, 2, 0.0)
    return {
        **file_entry(path),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "seed": seed,
        "recipe": asdict(recipe),
        "training_seconds": round(seconds, 1),
        "evaluation": {"seed": EVALUATION_SEED, **asdict(accuracy(trials))},
        "fp16_against_fp32": agreement(trials, full_trials),
    }


def agreement(trials: Sequence[Trial], full: Sequence[Trial]) -> dict[str, Any]:
    """How far two sets of greedy responses to the same problems agree."""
    pairs = list(zip(trials, full, strict=True))
    return {
        "problems": len(pairs),
        "same_response": _share(a.text == b.text for a, b in pairs),
        "same_answer": _share(extract_answer(a.text) == extract_answer(b.text) for a, b in pairs),
        "accuracy_fp16": _share(a.correct for a, _ in pairs),
        "accuracy_fp32": _share(b.correct for _, b in pairs),
    }


def _share(flags: Iterable[bool]) -> float:
    values = list(flags)
    return round(sum(values) / len(values), 4)


def _write_tokenizer(out_dir: Path) -> Tokenizer:
    path = out_dir / "tokenizer.json"
    text = build_tokenizer().to_str(pretty=False)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise InputError(
            "this folder holds models of another vocabulary", file=path, hint="Build into an empty folder."
        )
    path.write_text(text, encoding="utf-8")
    return Tokenizer.load(path)


def _kept_entries(out_dir: Path) -> dict[str, Any]:
    path = out_dir / MANIFEST
    if not path.exists():
        return {}
    try:
        entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["models"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("not a manifest of built models", file=path) from error
    return entries


def _order(name: str) -> tuple[int, str]:
    """Built models in the order of their recipes, then the fine-tuned ones."""
    return (list(RECIPES).index(name) if name in RECIPES else len(RECIPES), name)


def file_entry(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"file": path.name, "bytes": len(content), "sha256": sha256(content).hexdigest()}


def _silent(what: str, step: int, steps: int, loss: float) -> None:
    """Progress that nobody watches."""
