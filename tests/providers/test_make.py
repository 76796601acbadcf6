"""Providers by name."""

from __future__ import annotations

import pytest

from penstock import registry
from penstock.candidates import Candidate
from penstock.errors import InputError, PoolError
from penstock.providers.make import make_provider
from penstock.providers.scripted import ScriptedProvider


def test_the_built_in_ones_are_there() -> None:
    assert {"openai_compatible", "embedded", "recorded", "scripted"} <= set(registry.names("provider"))


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(PoolError, match=r"no provider is called 'nobody'; there are .*scripted"):
        make_provider(Candidate("a", "nobody", "m"))


def test_one_that_is_registered_is_made_and_may_not_replace_another() -> None:
    @registry.register("provider", "test_of_mine")
    class Mine(ScriptedProvider):
        pass

    class Other(ScriptedProvider):
        pass

    assert isinstance(make_provider(Candidate("a", "test_of_mine", "m")), Mine)
    with pytest.raises(InputError, match="registered already"):
        registry.register("provider", "test_of_mine")(Other)
    with pytest.raises(InputError, match="registered already"):
        registry.register("provider", "scripted")(Mine)
