"""Drives a policy against live providers: the same step function that replay drives over a table."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from starlette.concurrency import run_in_threadpool

from penstock.errors import PenstockError, ProviderError, ProviderUnavailable, RequestRejected
from penstock.gateway.call_trace import Trail
from penstock.outcomes.cost_unit import CostUnit
from penstock.policies.base import Policy
from penstock.providers.base import ChatRequest, Completion, Provider
from penstock.router.targets import Target
from penstock.state import State
from penstock.types import Answer, BoolArray, Query

logger = logging.getLogger("penstock.gateway")


class LiveRouter(Protocol):
    """What the gateway needs of ``penstock.router.router.Router``."""

    @property
    def candidates(self) -> tuple[str, ...]: ...
    @property
    def cost_unit(self) -> CostUnit: ...
    @property
    def target(self) -> Target | None: ...
    @property
    def blocking(self) -> bool: ...
    def policy_for(self, target: Target | None) -> Policy: ...
    def begin(self, queries: Sequence[Query], *, eligible: BoolArray | None = None) -> State: ...
    def observe(self, state: State, row: int, query: Query, answers: Mapping[int, Answer]) -> State: ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finished answer."""

    candidate: str
    completion: Completion


@dataclass(frozen=True, slots=True)
class Live:
    """An answer that is accepted whatever it will be: its first stream body, and the rest as it comes.
    Whoever holds one closes ``rest``."""

    candidate: str
    first: Mapping[str, Any]
    rest: AsyncGenerator[Mapping[str, Any], None]


@dataclass(frozen=True, slots=True)
class Nobody:
    """No candidate answered; ``error`` is the last one's."""

    error: ProviderError


Served = Accepted | Live | Nobody


async def drive(
    router: LiveRouter,
    policy: Policy,
    query: Query,
    request: ChatRequest,
    providers: Mapping[str, Provider],
    trail: Trail,
    *,
    eligible: BoolArray | None = None,
    live: bool = False,
) -> Served:
    """Run candidates until the policy accepts one.

    ``eligible`` (k,) says who may be called. A candidate that fails is taken out and the policy decides
    again; a request that a provider rejects as such ends the matter. With ``live``, a call whose answer the
    policy would accept whatever it is comes back as a running stream. Everything that runs is written to
    ``trail``. Raises nothing that a candidate's provider did; that an embedder failed is raised, since
    nothing can be decided without it.
    """
    state = await _begin(router, query, None if eligible is None else eligible[None, :])
    trail.rank(router.candidates, state, router.cost_unit)
    answers: dict[int, Answer] = {}
    completions: dict[int, Completion] = {}
    error: ProviderError = ProviderUnavailable("no candidate can serve this request")
    while (state.eligible | state.executed).any():
        step = policy.step(state)
        column = int(step.call[0])
        if column < 0:
            accepted = completions.get(int(step.accept[0]))
            return Nobody(error) if accepted is None else Accepted(accepted.answer.candidate, accepted)
        name = _checked(router, state, column)
        try:
            if live and _accepts_anything(policy, state, column):
                return await open_live(name, providers[name], request, trail)
            completions[column] = await ask(name, providers[name], request, trail)
        except ProviderError as failure:
            if is_about_the_request(failure):
                return Nobody(failure)
            logger.warning("%s; deciding again without it", failure)
            error, state = failure, _without(state, column)
            continue
        answers[column] = completions[column].answer
        state = await _observe(router, state, query, answers)
        trail.judged(float(state.quality[0, column]))
    return Nobody(error)


async def _begin(router: LiveRouter, query: Query, eligible: BoolArray | None) -> State:
    """What is expected before any call; in a thread where that takes an embedder's answer."""
    if router.blocking:
        return await run_in_threadpool(router.begin, [query], eligible=eligible)
    return router.begin([query], eligible=eligible)


async def _observe(router: LiveRouter, state: State, query: Query, answers: dict[int, Answer]) -> State:
    """What is expected now; in a thread where an embedder may read answers too."""
    if router.blocking:
        return await run_in_threadpool(router.observe, state, 0, query, answers)
    return router.observe(state, 0, query, answers)


async def ask(name: str, provider: Provider, request: ChatRequest, trail: Trail) -> Completion:
    """One whole answer. Raises ``ProviderError``."""
    params = {key: value for key, value in request.params.items() if key != "stream_options"}
    try:
        with trail.waiting():
            completion = await provider.complete(ChatRequest(request.messages, params))
    except ProviderError as error:
        trail.failed(name, error)
        raise
    except asyncio.CancelledError:
        trail.left(name)
        raise
    trail.ran(completion.answer)
    return completion


async def open_live(name: str, provider: Provider, request: ChatRequest, trail: Trail) -> Live:
    """A running stream whose first chunk has come. Raises ``ProviderError`` while nothing is committed."""
    bodies = _bodies(name, provider, request, trail)
    return Live(name, await anext(bodies), bodies)


async def _bodies(
    name: str, provider: Provider, request: ChatRequest, trail: Trail
) -> AsyncGenerator[Mapping[str, Any], None]:
    stream, answer, any_body = provider.stream(request), None, False
    try:
        while True:
            with trail.waiting():
                item = await anext(stream, None)
            if item is None:
                break
            answer = item.answer or answer
            if item.body is not None:
                any_body = True
                yield item.body
        if answer is None or not any_body:
            raise ProviderUnavailable("the stream ended before the answer did", candidate=name)
    except ProviderError as error:
        trail.failed(name, error)
        raise
    except (asyncio.CancelledError, GeneratorExit):
        trail.left(name)
        raise
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
    trail.ran(answer)


def is_about_the_request(error: ProviderError) -> bool:
    """Whether another candidate would refuse too. A context that is too long for one may fit another."""
    if not isinstance(error, RequestRejected):
        return False
    said = error.body.get("error") if isinstance(error.body, Mapping) else None
    return not (isinstance(said, Mapping) and said.get("code") == "context_length_exceeded")


def _checked(router: LiveRouter, state: State, column: int) -> str:
    if state.executed[0, column] or not state.eligible[0, column]:
        raise PenstockError(f"the policy called {router.candidates[column]}, which may not be called now")
    return router.candidates[column]


def _accepts_anything(policy: Policy, state: State, column: int) -> bool:
    decide = getattr(policy, "final_call", None)
    return bool(decide is not None and decide(state, column))


def _without(state: State, column: int) -> State:
    """A candidate that failed has not run as far as the policy is concerned, and will not."""
    eligible = state.eligible.copy()
    eligible[0, column] = np.False_
    return replace(state, eligible=eligible)
