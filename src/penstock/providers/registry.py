"""Providers by name, imported when first asked for.

A plug-in calls ``register`` or publishes an entry point in the group ``penstock.providers``; either gives a
factory from a candidate to a provider.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from penstock.candidates import Candidate
from penstock.errors import PoolError
from penstock.providers.base import Provider
from penstock.providers.wrappers.judge import JudgedProvider
from penstock.providers.wrappers.refusal import RefusingProvider
from penstock.providers.wrappers.vote import VotingProvider

Factory = Callable[[Candidate], Provider]

_BUILT_IN = {
    "openai_compatible": "penstock.providers.openai_compatible:OpenAICompatibleProvider",
    "embedded": "penstock.providers.embedded:EmbeddedProvider",
    "recorded": "penstock.providers.recorded:RecordedProvider",
    "scripted": "penstock.providers.scripted:ScriptedProvider",
}
_registered: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Offer ``factory`` under ``name``. Raises ``PoolError`` where the name is taken by another."""
    if name in _BUILT_IN or _registered.get(name, factory) is not factory:
        raise PoolError(f"a provider called {name!r} is registered already", field="provider")
    _registered[name] = factory


def provider_names() -> tuple[str, ...]:
    """Every name ``make_provider`` knows."""
    return tuple(dict.fromkeys((*_BUILT_IN, *_registered, *(e.name for e in _entry_points()))))


def make_provider(candidate: Candidate) -> Provider:
    """The provider of one candidate, its keys resolved; in front of it what makes it refuse or vote, or has
    its answers rated.

    Raises ``PoolError`` where the provider is unknown or a setting of the candidate is wrong,
    ``MissingExtra`` where the provider's dependencies are not installed.
    """
    inner = _factory(candidate.provider)(candidate)
    if candidate.vote is not None:
        return VotingProvider(candidate, inner)
    if candidate.confidence is not None:
        inner = RefusingProvider(candidate, inner)
    if candidate.judge is not None:
        return JudgedProvider(candidate, inner, make_provider(candidate.judge))
    return inner


def _factory(name: str) -> Factory:
    if name in _registered:
        return _registered[name]
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        factory: Factory = getattr(import_module(module), attribute).from_candidate
        return factory
    for entry in _entry_points():
        if entry.name == name:
            loaded: Factory = entry.load()
            return loaded
    raise PoolError(f"unknown provider {name!r}; known are {', '.join(provider_names())}", field="provider")


def _entry_points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group="penstock.providers"))
