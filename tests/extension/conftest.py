"""The package ``penstock_coin``: imported here and forgotten again, or installed for another process."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import penstock
from penstock import registry

HERE, SOURCE = Path(__file__).parent, Path(penstock.__file__).parents[1]

Ran = subprocess.CompletedProcess[str]
Penstock = Callable[..., Ran]


@pytest.fixture(scope="module")
def coin() -> Iterator[ModuleType]:
    """The package. What it registers is forgotten afterwards, for the sake of other tests."""
    for room in registry.Room:
        registry.names(room)
    known, place = registry._registry, list(sys.path)
    rooms = {room: dict(entries) for room, entries in known.rooms.items()}
    entries = dict(known.names)
    sys.path.insert(0, str(HERE))
    try:
        yield import_module("penstock_coin")
    finally:
        sys.path[:] = place
        known.rooms, known.names = rooms, entries
        for name in [n for n in sys.modules if n.partition(".")[0] == "penstock_coin"]:
            del sys.modules[name]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process in which it is an installed distribution."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    site = tmp_path_factory.mktemp("site")
    install(site, project["name"], project["version"], project["entry-points"][registry.GROUP])
    return environment(site, HERE)


def install(site: Path, name: str, version: str, points: Mapping[str, str]) -> None:
    """What an installer writes of a distribution with these entry points."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "top_level.txt").write_text("".join(f"{module}\n" for module in points.values()))
    lines = [f"{point} = {module}" for point, module in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{registry.GROUP}]", *lines, ""]))


def environment(*places: Path) -> dict[str, str]:
    """One in which modules stand at ``places`` too, and lines are long."""
    path = os.pathsep.join(map(str, (*places, SOURCE)))
    wide = {"COLUMNS": "400", "TERMINAL_WIDTH": "400", "NO_COLOR": "1", "TERM": "dumb"}
    return {**os.environ, **wide, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def penstock_(installed: dict[str, str]) -> Penstock:
    """The command line, in a process where the package is installed."""

    def run(*arguments: object, code: int = 0) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "penstock", *map(str, arguments)],
            capture_output=True,
            check=False,
            text=True,
            env=installed,
            timeout=120,
        )
        assert done.returncode == code, done.stderr
        return done

    return run
