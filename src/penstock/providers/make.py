"""From a candidate to what asks it: its provider, behind what makes it refuse, vote or be rated."""

from __future__ import annotations

from penstock import registry
from penstock.candidates import Candidate
from penstock.errors import InputError, PoolError
from penstock.providers.base import Provider, ProviderType
from penstock.providers.wrappers.judge import JudgedProvider
from penstock.providers.wrappers.refusal import RefusingProvider
from penstock.providers.wrappers.vote import VotingProvider
from penstock.registry import Room


def make_provider(candidate: Candidate) -> Provider:
    """The provider of one candidate, its keys resolved; in front of it what makes it refuse or vote, or has
    its answers rated.

    Raises ``PoolError`` where the provider is unknown or a setting of the candidate is wrong,
    ``MissingExtra`` where the provider's dependencies are not installed.
    """
    inner = _type_of(candidate.provider).from_candidate(candidate)
    if candidate.vote is not None:
        return VotingProvider(candidate, inner)
    if candidate.confidence is not None:
        inner = RefusingProvider(candidate, inner)
    if candidate.judge is not None:
        return JudgedProvider(candidate, inner, make_provider(candidate.judge))
    return inner


def _type_of(name: str) -> ProviderType:
    try:
        found: ProviderType = registry.find(Room.PROVIDER, name, field="provider")
    except InputError as error:
        raise PoolError(error.message, field="provider", hint=error.hint) from error
    return found
