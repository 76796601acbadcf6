"""What holds for the repository as a whole."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import grimp
import pytest
import typer

from penstock.cli import build_app

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "src" / "penstock").rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if path.stat().st_size)

FORBIDDEN = {
    "a path of one machine": "/" + "work/",
    "a home directory": "/" + "root/",
    "loading a pickle": "pickle." + "load",
    "allowing a pickle": "allow_pickle=" + "True",
    "a package index": "pypi" + ".org",
    "a package file host": "files.python" + "hosted",
    "a model hub": "huggingface" + ".co",
}
"""Each in two parts, so that this file does not hold what it looks for."""


def tracked_files() -> list[Path]:
    """Files under version control; all text files of the tree where there is no git (a source archive)."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        files = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        files = [
            Path(folder) / name
            for folder, _, names in os.walk(ROOT)
            if not re.search(r"/(\.venv|__pycache__|\.\w+_cache|\.hypothesis|build|dist)(/|$)", folder)
            for name in names
        ]
    return [path for path in files if path.is_file()]


def commands() -> list[tuple[str, typer.core.TyperCommand]]:
    """Every verb with its full name; groups are followed to their verbs."""
    program = typer.main.get_command(build_app())
    found, waiting = [], [("penstock", program)]
    while waiting:
        name, command = waiting.pop()
        below = getattr(command, "commands", None)
        if below is None:
            found.append((name, command))
        else:
            waiting += [(f"{name} {part}", child) for part, child in below.items()]
    return sorted(found, key=lambda pair: pair[0])  # type: ignore[return-value]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str) -> None:
    needle = FORBIDDEN[what].encode()
    files = tracked_files()
    assert len(files) > 50
    assert [str(path.relative_to(ROOT)) for path in files if needle in path.read_bytes()] == []


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module without a docstring"


@pytest.mark.parametrize(
    ("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_verb_has_help_with_an_example(name: str, command: typer.core.TyperCommand) -> None:
    told = f"{command.help or ''}\n{command.epilog or ''}"
    assert "Example" in told
    assert "penstock " in told, "the example is not a command"


def test_the_licence_is_whole_and_has_its_holder() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "9. Accepting Warranty or Additional Liability." in licence
    assert "The penstock authors" in licence


def test_torch_is_needed_by_training_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    holders = {name for name, needs in extras.items() if any(need.startswith("torch") for need in needs)}
    assert holders == {"train"}
    assert not any("[train" in need for needs in extras.values() for need in needs)
    assert not any(need.startswith("torch") for need in project["dependencies"])


def test_every_chore_of_the_contributing_guide_is_in_the_makefile_and_the_other_way_round() -> None:
    targets = set(
        re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`make ([a-z-]+)", guide)) == targets - {"help"}


def test_ci_runs_what_it_should_and_can_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert text.index(" lint\n") < text.index(" test\n")


@pytest.mark.parametrize(
    "document",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))],
    ids=str,
)
def test_links_inside_the_repository_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    inside = [target for target in targets if "://" not in target]
    assert [target for target in inside if not (document.parent / target).exists()] == []


def test_every_decision_is_listed_and_has_its_three_parts() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [record.name[:4] for record in records] == [f"{i:04d}" for i in range(1, len(records) + 1)]
    for record in records:
        assert record.name in index
        text = record.read_text(encoding="utf-8")
        assert re.findall(r"^## (\w+)", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def imports() -> dict[str, set[str]]:
    """What each module imports when it is loaded or runs, imports for the type checker left out."""
    graph = grimp.build_graph("penstock", exclude_type_checking_imports=True, cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = imports()
    while free := {module for module, wanted in left.items() if not wanted & left.keys()}:
        left = {module: wanted for module, wanted in left.items() if module not in free}
    assert not left


def test_no_package_is_too_large_to_find_ones_way_in() -> None:
    root = ROOT / "src" / "penstock"
    sizes = {
        folder.name: sum(1 for path in folder.rglob("*.py") if path.name != "__init__.py")
        for folder in root.iterdir()
        if folder.is_dir()
    }
    assert {name: size for name, size in sizes.items() if size > 40} == {}
