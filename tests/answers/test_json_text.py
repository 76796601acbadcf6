"""The last JSON of a text."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.answers.json_text import NOTHING, last_json


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": [1, 2]}', {"a": [1, 2]}),
        ("null", None),
        ('First {"a": 1}, or rather [2, {"b": 3}]: that is it.', [2, {"b": 3}]),
        ('{"a": 1} and {broken: [', {"a": 1}),
        ('```json\n{"a": "}"}\n```', {"a": "}"}),
        ("neither here nor there", NOTHING),
        ("", NOTHING),
    ],
)
def test_the_last_object_or_list_counts(text: str, found: Any) -> None:
    assert last_json(text) is NOTHING if found is NOTHING else last_json(text) == found
