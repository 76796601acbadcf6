"""One file adds one thing: alone in a fresh process, and in the folder of its kind, named nowhere else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.registry import Room

from .conftest import HERE, environment

ADDS = {
    "policy": {"policy"},
    "estimator": {"estimator", "fitted_estimator"},
    "post_hoc": {"post_hoc", "fitted_post_hoc"},
    "comparison": {"comparison"},
    "provider": {"provider"},
    "store": {"store"},
    "scorer": {"scorer"},
}
FILES = sorted((HERE / "penstock_coin").glob("[!_]*.py"))
ALONE = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
from penstock import registry

spec = spec_from_file_location("alone", sys.argv[1])
sys.modules["alone"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["alone"])
print(*(room for room in sys.argv[2:] if registry.holds(room, "coin")))
"""
IN_PLACE = """
import json, sys
from importlib import import_module
from penstock import registry

for package, folder in json.loads(sys.argv[1]).items():
    import_module(package).__path__.append(folder)
print(*(room for room in registry.Room if registry.registered(room)["coin"].distribution == registry.OWN))
"""
CONTRIBUTING = HERE.parents[1] / "CONTRIBUTING.md"
KINDS = {"estimator before the call": "estimator", "estimator after the call": "post_hoc"}
"""Files, by what they are called there."""


def rooms_in(code: str, *arguments: str) -> set[str]:
    """The rooms that a fresh process says have a coin in them."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environment(), timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_there_is_a_file_for_every_room() -> None:
    assert {path.stem for path in FILES} == set(ADDS)
    assert set().union(*ADDS.values()) == set(Room)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_one_file_adds_one_thing(path: Path) -> None:
    assert rooms_in(ALONE, str(path), *ADDS[path.stem]) == ADDS[path.stem]


def test_in_the_folder_that_the_guide_names_nothing_else_is_touched(tmp_path: Path) -> None:
    rows = re.findall(r"^\| ([\w ]+) \| 1 \| `src/([\w/]+)` \|$", CONTRIBUTING.read_text(), re.MULTILINE)
    folders = {KINDS.get(kind, kind): folder for kind, folder in rows}
    assert set(folders) == set(ADDS)
    places = {}
    for path in FILES:
        place = tmp_path / path.stem
        place.mkdir()
        shutil.copy(path, place / "coin.py")
        places[folders[path.stem].replace("/", ".")] = str(place)
    assert rooms_in(IN_PLACE, json.dumps(places)) == set(Room)
