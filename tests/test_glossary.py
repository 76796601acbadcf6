"""``docs/glossary.md`` says what the source says: its terms are there, and the words it replaces are not."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TERMS, RETIRED = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").split("## Words that are not used")
SOURCE = sorted((ROOT / "src").rglob("*.py"))
BUNDLE_FORMAT_1 = "format1.py"
"""Knows the words that old bundles hold."""


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("name", [cell.strip("`") for *_, cell in rows(TERMS)])
def test_a_term_is_in_the_code(name: str) -> None:
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            fields = getattr(found, "__dataclass_fields__", {})
            found = fields[attribute] if attribute in fields else getattr(found, attribute)
        return
    pytest.fail(f"{name} is not there")


@pytest.mark.parametrize("word", [word for word, _ in rows(RETIRED)])
def test_a_word_that_was_replaced_is_gone(word: str) -> None:
    pattern = re.compile(rf"\b{re.escape(word)}s?\b", re.IGNORECASE)
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in SOURCE
        if file.name != BUNDLE_FORMAT_1
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found


def test_no_term_stands_twice() -> None:
    terms = [term for row in rows(TERMS) for term in row[0].split(", ")]
    assert len(terms) == len(set(terms)) > 30
