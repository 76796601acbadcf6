"""The whole state of a training run on disk, without pickle: tensors as safetensors, the rest as JSON.

A checkpoint is one folder that appears whole or not at all; a newer one replaces an older one.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from penstock.errors import InputError

FOLDER = "checkpoint"
Weights = dict[str, Tensor]


@dataclass
class Standing:
    """How far a run is: ``done`` steps of epoch ``epoch``, with a summed training loss of ``loss_sum``, and
    ``step`` steps in all."""

    epoch: int = 0
    done: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_epoch: int = -1
    stopped: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


def save(
    folder: Path,
    fingerprint: str,
    standing: Standing,
    network: Any,
    optimizer: Any,
    scaler: Any,
    best: Weights | None,
) -> None:
    """Write the state of a run into ``folder``/checkpoint."""
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"best.{k}": v for k, v in (best or {}).items()}
    numbers: dict[str, dict[str, Any]] = {}
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    about = {
        "fingerprint": fingerprint,
        "standing": asdict(standing),
        "optimizer": numbers,
        "scaler": scaler.state_dict(),
    }
    stage, target, old = (folder / name for name in (f".{FOLDER}.new", FOLDER, f".{FOLDER}.old"))
    for leftover in (stage, old):
        shutil.rmtree(leftover, ignore_errors=True)
    stage.mkdir(parents=True)
    save_file(
        {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, stage / "tensors.safetensors"
    )
    (stage / "run.json").write_text(json.dumps(about, allow_nan=False), encoding="utf-8")
    if target.exists():
        target.rename(old)
    stage.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def restore(
    folder: Path, fingerprint: str, network: Any, optimizer: Any, scaler: Any
) -> tuple[Standing, Weights | None]:
    """Put a run back where it was.

    Raises InputError where the checkpoint is of other settings or data, or damaged.
    """
    place = folder / FOLDER
    if not place.is_dir():  # the process ended between the two renames
        place = folder / f".{FOLDER}.old"
    try:
        about = json.loads((place / "run.json").read_text(encoding="utf-8"))
        tensors = load_file(place / "tensors.safetensors")
        if about["fingerprint"] != fingerprint:
            raise InputError(
                "was made with other settings or other data",
                file=place,
                hint="Resume with the same ones, or start again with --overwrite",
            )
        network.load_state_dict(_under("network.", tensors))
        _restore_optimizer(optimizer, tensors, about["optimizer"])
        scaler.load_state_dict(about["scaler"])
        standing = Standing(**about["standing"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InputError(f"is no checkpoint that can be resumed: {error}", file=place) from error
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    return standing, _under("best.", tensors) or None


def present(folder: Path) -> bool:
    """Whether there is a run to resume."""
    return any((folder / name).is_dir() for name in (FOLDER, f".{FOLDER}.old"))


def remove(folder: Path) -> None:
    """Throw the checkpoint of a finished run away."""
    for name in (FOLDER, f".{FOLDER}.old", f".{FOLDER}.new"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _restore_optimizer(optimizer: Any, tensors: Weights, numbers: dict[str, dict[str, Any]]) -> None:
    fresh = optimizer.state_dict()
    state: dict[int, dict[str, Any]] = {int(i): dict(values) for i, values in numbers.items()}
    for name, value in _under("optimizer.", tensors).items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": fresh["param_groups"]})


def _under(prefix: str, tensors: Weights) -> Weights:
    return {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}
