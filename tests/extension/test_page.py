"""The page on extending shows this package as it is, and every suite there is."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from penstock.registry import Room

from .conftest import HERE

PAGE = (HERE.parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = [*HERE.glob("*.py"), *HERE.glob("*.toml"), *(HERE / "penstock_coin").glob("*.py")]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0][:40])
def test_every_block_is_verbatim(block: str) -> None:
    assert any(block in path.read_text(encoding="utf-8") for path in FILES)


def test_every_file_of_the_package_is_shown() -> None:
    for path in (HERE / "penstock_coin").glob("*.py"):
        assert path.read_text(encoding="utf-8") in BLOCKS, path.name


def test_every_room_is_named_with_a_suite_that_there_is() -> None:
    for room in Room:
        assert f"`{room}`" in PAGE
    suites = re.findall(r"`(\w+)\.(\w+Contract)`", PAGE)
    for module, suite in suites:
        assert hasattr(import_module(f"penstock.testing.{module}"), suite)
    assert len(suites) == 8
