"""Puts a trained embedded model beside the ones that come with the package: weights and manifest entry."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from penstock.errors import InputError
from penstock.lab.build import EVALUATION_PROBLEMS, EVALUATION_SEED, MANIFEST, agreement, file_entry
from penstock.lab.checkpoint import save_onnx
from penstock.lab.evaluate import accuracy, answer
from penstock.lab.problem import Problem
from penstock.lab.tasks import generate
from penstock.runtime.model import LanguageModel
from penstock.training.sater.evaluation import answer_greedily, figures
from penstock.training.sater.run import Run, weights_path
from penstock.training.sater.sampler import TorchSampler
from penstock.training.sater.samples import Question
from penstock.training.sater.trainee import open_trainee


def ship(
    run: Run, name: str, folder: Path, *, seconds: float, problems: int = EVALUATION_PROBLEMS
) -> dict[str, Any]:
    """Write NAME.onnx (fp16) of a finished run into a folder of models and state it in their manifest.

    Args:
        run: of an embedded model, Stage II finished.
        name: of the shipped model.
        folder: with a manifest.json and tokenizer.json, as `penstock lab build` writes.
        seconds: what the training took, for the manifest; NaN: not known, as of a run that was interrupted.
        problems: held-out problems it answers for the manifest; the same as the other models'.

    Returns:
        The manifest's entry.

    Raises:
        InputError: another kind of model, an unfinished run, or no manifest there.
    """
    two = run.stages[3]
    trained = open_trainee(str(two.folder)) if two.finished else None
    if trained is None or trained.shape is None:
        raise InputError("not a finished run of an embedded model", file=run.out)
    manifest_file, path = folder / MANIFEST, folder / f"{name}.onnx"
    try:
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
        models: dict[str, Any] = manifest["models"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError("not a manifest of built models", file=manifest_file) from error
    save_onnx(trained.network, trained.shape, path)
    asked = generate(problems, EVALUATION_SEED)
    trials = answer(LanguageModel.load(path), asked)
    full = answer(LanguageModel.load(weights_path(two.folder)), asked)
    models[name] = {
        **file_entry(path),
        "parameters": sum(parameter.numel() for parameter in trained.network.parameters()),
        "seed": run.settings.seed,
        "base": run.model,
        "recipe": {"sater": asdict(run.settings), "questions": len(run.split()[0])},
        "training_seconds": round(seconds, 1) if isfinite(seconds) else None,
        "evaluation": {"seed": EVALUATION_SEED, **asdict(accuracy(trials))},
        "by_threshold": _by_threshold(run, path, asked),
        "fp16_against_fp32": agreement(trials, full),
    }
    manifest_file.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    entry: dict[str, Any] = json.loads(manifest_file.read_text(encoding="utf-8"))["models"][name]
    return entry


def _by_threshold(run: Run, path: Path, problems: list[Problem]) -> dict[str, Any]:
    """Refusals and accuracy at every threshold, as `evaluation.figures` counts them."""
    questions = [Question(p.id, p.prompt, p.reference, p.skill) for p in problems]
    thresholds = run.settings.stage_two.thresholds
    sampler = TorchSampler(open_trainee(str(path)))
    answers = answer_greedily(sampler, questions, run.scorer, thresholds=thresholds)
    return {str(t): figures([one for one in answers if one.threshold == t]) for t in thresholds}
