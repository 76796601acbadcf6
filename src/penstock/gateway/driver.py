"""Drives a policy against live providers: the same step function and the same beliefs that replay drives over
a table."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

from starlette.concurrency import run_in_threadpool

from penstock.belief import Answered, Belief, Failed, observe
from penstock.errors import PenstockError, ProviderError, ProviderUnavailable, RequestRejected
from penstock.gateway.call_trace import CallTrace
from penstock.outcomes.cost_unit import CostUnit
from penstock.policies.base import Policy
from penstock.providers.base import ChatRequest, Completion, Provider
from penstock.router.targets import Target
from penstock.state import State, Step
from penstock.types import BoolArray, Query

P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger("penstock.gateway")


class LiveRouter(Protocol):
    """What the gateway needs of a router: ``router.FittedRouter`` and ``router.StaticRouter`` have it."""

    @property
    def candidates(self) -> tuple[str, ...]: ...
    @property
    def cost_unit(self) -> CostUnit: ...
    @property
    def target(self) -> Target | None: ...
    @property
    def blocking(self) -> bool: ...
    def policy_for(self, target: Target | None) -> Policy: ...
    def believe(self, queries: Sequence[Query]) -> Belief: ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finished answer."""

    candidate: str
    completion: Completion


@dataclass(frozen=True, slots=True)
class StreamingAnswer:
    """An answer that is accepted whatever it will be: its first stream body, and the rest as it comes.
    Whoever holds one closes ``rest``."""

    candidate: str
    first: Mapping[str, Any]
    rest: AsyncGenerator[Mapping[str, Any], None]


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No candidate answered; ``error`` is the last one's."""

    error: ProviderError


Served = Accepted | StreamingAnswer | NoAnswer


async def drive(
    router: LiveRouter,
    policy: Policy,
    query: Query,
    request: ChatRequest,
    providers: Mapping[str, Provider],
    trace: CallTrace,
    *,
    eligible: BoolArray | None = None,
    live: bool = False,
) -> Served:
    """Run candidates until the policy accepts one.

    ``eligible`` (k,) says who may be called. A candidate that fails is taken out and the policy decides
    again; a request that a provider rejects as such ends the matter. With ``live``, a call whose answer the
    policy would accept whatever it is comes back as a running stream. Everything that runs is written to
    ``trace``. Raises nothing that a candidate's provider did; that an embedder failed is raised, since
    nothing can be decided without it.
    """
    belief, state = await _begin(router, query, None if eligible is None else eligible[None, :])
    trace.rank(router.candidates, state, router.cost_unit)
    completions: dict[int, Completion] = {}
    error: ProviderError = ProviderUnavailable("no candidate can serve this request")
    while (state.eligible | state.executed).any():
        step = policy.step(state)
        column = int(step.call[0])
        if column < 0:
            accepted = completions.get(_accepted(step))
            return NoAnswer(error) if accepted is None else Accepted(accepted.answer.candidate, accepted)
        name = _checked(router, state, column)
        try:
            if live and policy.final_call(state, column):
                return await open_live(name, providers[name], request, trace)
            completions[column] = await ask(name, providers[name], request, trace)
        except ProviderError as failure:
            if is_about_the_request(failure):
                return NoAnswer(failure)
            logger.warning("%s; deciding again without it", failure)
            error = failure
            state = observe(belief, state, Failed.live(column))
            continue
        seen = Answered.live(column, completions[column].answer)
        state = await _in_thread(router.blocking, observe, belief, state, seen)
        trace.judged(float(state.quality[0, column]))
    return NoAnswer(error)


async def _begin(router: LiveRouter, query: Query, eligible: BoolArray | None) -> tuple[Belief, State]:
    """What is expected before any call; in a thread where that takes an embedder's answer."""

    def begin() -> tuple[Belief, State]:
        belief = router.believe([query])
        return belief, belief.begin(eligible)

    return await _in_thread(router.blocking, begin)


async def _in_thread(blocking: bool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What may wait for an embedder runs in a thread; what never waits runs here."""
    return await run_in_threadpool(work, *args, **kwargs) if blocking else work(*args, **kwargs)


def _accepted(step: Step) -> int:
    """Whose answer is accepted. Raises ``PenstockError`` for a step that the gateway cannot take."""
    if step.check is not None and (step.check >= 0).any():
        raise PenstockError("the policy asked for a check of an answer, and this gateway knows none")
    return int(step.accept[0])


async def ask(name: str, provider: Provider, request: ChatRequest, trace: CallTrace) -> Completion:
    """One whole answer. Raises ``ProviderError``."""
    params = {key: value for key, value in request.params.items() if key != "stream_options"}
    try:
        with trace.waiting():
            completion = await provider.complete(ChatRequest(request.messages, params))
    except ProviderError as error:
        trace.failed(name, error)
        raise
    except asyncio.CancelledError:
        trace.left(name)
        raise
    trace.ran(completion.answer)
    return completion


async def open_live(name: str, provider: Provider, request: ChatRequest, trace: CallTrace) -> StreamingAnswer:
    """A running stream whose first chunk has come. Raises ``ProviderError`` while nothing is committed."""
    bodies = _bodies(name, provider, request, trace)
    return StreamingAnswer(name, await anext(bodies), bodies)


async def _bodies(
    name: str, provider: Provider, request: ChatRequest, trace: CallTrace
) -> AsyncGenerator[Mapping[str, Any], None]:
    stream, answer, any_body = provider.stream(request), None, False
    try:
        while True:
            with trace.waiting():
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
        trace.failed(name, error)
        raise
    except (asyncio.CancelledError, GeneratorExit):
        trace.left(name)
        raise
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
    trace.ran(answer)


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
