"""Providers by name."""

from __future__ import annotations

import pytest

from penstock.candidates import Candidate
from penstock.errors import PoolError
from penstock.providers import registry
from penstock.providers.scripted import ScriptedProvider


def test_built_in_names_come_first() -> None:
    assert registry.provider_names()[:4] == ("openai_compatible", "embedded", "recorded", "scripted")


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(PoolError, match=r"unknown provider 'nobody'; known are openai_compatible"):
        registry.make_provider(Candidate("a", "nobody", "m"))


def test_a_plug_in_can_register_and_not_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    registry.register("mine", ScriptedProvider)
    registry.register("mine", ScriptedProvider)
    made = registry.make_provider(Candidate("a", "mine", "m"))
    assert isinstance(made, ScriptedProvider)
    with pytest.raises(PoolError, match="registered already"):
        registry.register("mine", ScriptedProvider.from_candidate)
    with pytest.raises(PoolError, match="registered already"):
        registry.register("scripted", ScriptedProvider)
