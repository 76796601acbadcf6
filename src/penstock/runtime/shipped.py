"""Where the models that come with the package stand."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from penstock.errors import InputError


def shipped_models() -> tuple[str, ...]:
    """Names of the models that come with the package."""
    return tuple(sorted(path.stem for path in _shipped_folder().glob("*.onnx")))


def model_path(path_or_name: Path | str) -> Path:
    """The file of a model given by path or by shipped name.

    Raises:
        InputError: there is no such file.
    """
    given = Path(path_or_name)
    path = given if given.suffix == ".onnx" else _shipped_folder() / f"{path_or_name}.onnx"
    if not path.is_file():
        names = ", ".join(shipped_models())
        raise InputError(f"no model {str(path_or_name)!r}", field="model", hint=f"Shipped models: {names}.")
    return path


def _shipped_folder() -> Path:
    return Path(str(files("penstock"))) / "lab" / "weights"
