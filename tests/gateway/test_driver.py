"""The driver with every kind of policy, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
import pytest

from penstock.belief import Belief, OwnAnswerBelief
from penstock.candidates import Candidate
from penstock.errors import PenstockError, ProviderUnavailable
from penstock.gateway.call_trace import CallTrace
from penstock.gateway.driver import Accepted, NoAnswer, StreamingAnswer, drive
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.fixed import Fixed
from penstock.policies.mixture import Mixture
from penstock.policies.routing import Routing
from penstock.providers.base import ChatRequest
from penstock.providers.scripted import Script, ScriptedProvider
from penstock.state import State, Step
from penstock.types import Answer, FloatArray, IntArray, Query

from .conftest import NAMES, SaidRouter, sure

REQUEST = ChatRequest(({"role": "user", "content": "hi"},), {"stream_options": {"include_usage": True}})
DOWN = {name: ProviderUnavailable("down", candidate=name) for name in NAMES}
POLICIES = (Fixed(0), Fixed(1), Routing(0.0), Routing(1e6), ThresholdCascade((0, 1), (0.5,)))
MIXTURES = tuple(Mixture(Fixed(0), Routing(0.0), gamma) for gamma in (0.0, 1.0))


async def driven(policy: Policy, small: Script, large: Script, **options: Any) -> tuple[Any, CallTrace, Any]:
    providers = {
        name: ScriptedProvider(Candidate(name, "scripted", name), script)
        for name, script in zip(NAMES, (small, large), strict=True)
    }
    trace = CallTrace()
    query = Query("q", REQUEST.messages)
    served = await drive(SaidRouter(), policy, query, REQUEST, providers, trace, **options)
    return served, trace, providers


@pytest.mark.parametrize("policy", [*POLICIES, *MIXTURES], ids=str)
@pytest.mark.parametrize("live", [False, True])
async def test_whoever_fails_another_answers(policy: Policy, live: bool) -> None:
    for scripts, answers in (((DOWN["small"], "sure"), "large"), (("sure", DOWN["large"]), "small")):
        served, trace, _ = await driven(policy, *scripts, live=live)
        assert isinstance(served, StreamingAnswer | Accepted)
        assert served.candidate == answers
        if isinstance(served, StreamingAnswer):
            await served.rest.aclose()
        assert len({run.candidate for run in trace.runs}) == len(trace.runs)


@pytest.mark.parametrize("policy", [*POLICIES, *MIXTURES], ids=str)
@pytest.mark.parametrize("live", [False, True])
async def test_when_all_fail_nobody_answers(policy: Policy, live: bool) -> None:
    served, trace, _ = await driven(policy, DOWN["small"], DOWN["large"], live=live)
    assert isinstance(served, NoAnswer)
    assert served.error.candidate == trace.runs[-1].candidate
    assert sorted(run.candidate for run in trace.runs) == ["large", "small"]


@pytest.mark.parametrize("policy", [*POLICIES, *MIXTURES], ids=str)
async def test_those_who_may_not_are_not_called(policy: Policy) -> None:
    for column, name in enumerate(NAMES):
        eligible = np.arange(2) == column
        served, _, providers = await driven(policy, "hm", "hm", eligible=eligible)
        assert isinstance(served, Accepted)
        assert served.candidate == name
        assert [len(provider.calls) for provider in providers.values()] == [int(e) for e in eligible]
    served, trace, _ = await driven(policy, "hm", "hm", eligible=np.zeros(2, dtype=bool))
    assert isinstance(served, NoAnswer)
    assert trace.runs == []


async def test_the_last_of_a_cascade_is_live_and_the_first_is_not() -> None:
    served, _, _ = await driven(ThresholdCascade((0, 1), (0.5,)), "sure", "sure", live=True)
    assert isinstance(served, Accepted)
    served, trace, _ = await driven(ThresholdCascade((0, 1), (0.5,)), "hm", "sure", live=True)
    assert isinstance(served, StreamingAnswer)
    assert [run.candidate for run in trace.runs] == ["small"]
    rest = [body async for body in served.rest]
    assert rest[-1]["choices"] == []
    assert [run.candidate for run in trace.runs] == ["small", "large"]


async def test_whole_answers_are_asked_for_without_stream_options() -> None:
    _, _, providers = await driven(Fixed(0), "sure", "sure")
    assert providers["small"].calls[0].params == {}


@dataclass(frozen=True)
class Stubborn:
    """Calls the first candidate for ever."""

    def step(self, state: State) -> Step:
        return Step(np.zeros(1, dtype=np.int64), np.full(1, -1))

    def spec(self) -> dict[str, Any]:
        return {"kind": "stubborn"}


async def test_a_policy_that_calls_twice_is_stopped() -> None:
    with pytest.raises(PenstockError, match="the policy called small, which may not be called now"):
        await driven(Stubborn(), "hm", "hm")


async def test_a_router_that_waits_does_not_hold_up_the_event_loop() -> None:
    told = Event()

    class Waiting(SaidRouter):
        def believe(self, queries: Sequence[Query]) -> Belief:
            assert told.wait(10), "the event loop did not turn"
            return super().believe(queries)

    providers = {name: ScriptedProvider(Candidate(name, "scripted", name), "sure") for name in NAMES}
    router = Waiting(blocking=True)
    query = Query("q", REQUEST.messages)
    driving = asyncio.ensure_future(drive(router, Fixed(0), query, REQUEST, providers, CallTrace()))
    await asyncio.sleep(0.05)
    assert not driving.done()
    told.set()
    assert (await driving).candidate == "small"


async def test_while_an_embedder_reads_an_answer_others_are_served() -> None:
    told = Event()

    class Waiting(SaidRouter):
        def believe(self, queries: Sequence[Query]) -> Belief:
            belief = super().believe(queries)
            assert isinstance(belief, OwnAnswerBelief)

            def read(ex_ante: FloatArray, answers: Sequence[Answer], columns: IntArray) -> FloatArray:
                assert told.wait(20)
                return sure(ex_ante, answers, columns)

            return replace(belief, read=read)

    providers = {name: ScriptedProvider(Candidate(name, "scripted", name), "sure") for name in NAMES}
    router = Waiting(blocking=True)
    query = Query("q", REQUEST.messages)
    cascade = ThresholdCascade((0, 1), (0.5,))
    driving = asyncio.ensure_future(drive(router, cascade, query, REQUEST, providers, CallTrace()))
    await asyncio.sleep(0.05)
    assert not driving.done()
    assert len(providers["small"].calls) == 1
    told.set()
    assert (await driving).candidate == "small"
