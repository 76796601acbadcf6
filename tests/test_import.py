"""Importing penstock is cheap and gives every public name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import penstock

SOURCE = Path(penstock.__file__).parents[1]

HEAVY = (
    "numpy",
    "polars",
    "sklearn",
    "scipy",
    "starlette",
    "sqlalchemy",
    "aiohttp",
    "pydantic",
    "onnxruntime",
    "torch",
)


def in_a_fresh_interpreter(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    return done.stdout


def test_importing_penstock_loads_nothing_heavy() -> None:
    loaded = json.loads(
        in_a_fresh_interpreter("import json, sys, penstock; print(json.dumps(list(sys.modules)))")
    )
    assert "penstock" in loaded
    assert {name.split(".")[0] for name in loaded}.isdisjoint(HEAVY)


def test_importing_penstock_takes_less_than_a_fifth_of_a_second() -> None:
    code = "import time; t = time.perf_counter(); import penstock; print(time.process_time() - t)"
    assert min(float(in_a_fresh_interpreter(code)) for _ in range(3)) < 0.2


def test_the_command_line_loads_neither_tables_nor_models_nor_a_server_before_a_verb_runs() -> None:
    code = "import json, sys, penstock.cli as c; c.build_app(); print(json.dumps(list(sys.modules)))"
    loaded = {name.split(".")[0] for name in json.loads(in_a_fresh_interpreter(code))}
    assert loaded.isdisjoint(
        {"polars", "sklearn", "scipy", "starlette", "uvicorn", "onnxruntime", "torch", "openai"}
    )


def test_the_command_line_starts_in_less_than_six_tenths_of_a_second() -> None:
    code = (
        "import time; t = time.process_time(); from penstock.cli import build_app; import typer; "
        "typer.main.get_command(build_app()); print(time.process_time() - t)"
    )
    assert min(float(in_a_fresh_interpreter(code)) for _ in range(3)) < 0.6


@pytest.mark.parametrize("name", penstock.__all__)
def test_every_public_name_is_the_one_defined_in_its_module(name: str) -> None:
    value = getattr(penstock, name)
    assert name in dir(penstock)
    if name != "__version__":
        assert value is getattr(import_module(value.__module__), name)


def test_the_public_names_and_their_places_agree() -> None:
    assert sorted(penstock.__all__) == sorted([*penstock._MODULE_OF, "__version__"])


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        penstock.nothing  # noqa: B018 - the access is what is tested


def test_the_version_is_that_of_the_installed_package() -> None:
    try:
        installed = version("penstock")
    except PackageNotFoundError:
        pytest.skip("penstock runs from its source here, not installed")
    assert penstock.__version__ == installed
