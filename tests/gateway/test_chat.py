"""The gateway through the official client: what is decided, answered, told and written down."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from penstock.errors import ProviderTimeout, ProviderUnavailable, RateLimited, RequestRejected
from penstock.outcomes.cost_unit import LATENCY
from penstock.providers.scripted import Reply
from penstock.storage.base import Ranked
from penstock.types import Status, Usage

from .conftest import SaidRouter, Start

Messages = Any
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "it"}'}}


async def test_a_good_first_answer_is_taken(start: Start, hello: Messages) -> None:
    gateway = start()
    raw = gateway.client().chat.completions.with_raw_response.create(model="auto", messages=hello)
    completion = raw.parse()
    assert completion.choices[0].message.content == "sure: small"
    assert completion.model == "small"
    assert raw.headers["x-penstock-model"] == "small"
    assert raw.headers["x-penstock-candidates"] == "small"
    assert float(raw.headers["x-penstock-overhead-ms"]) >= 0
    decision = await gateway.log.get(raw.headers["x-penstock-decision-id"])
    assert decision is not None
    assert (decision.asked, decision.target, decision.accepted) == ("auto", "budget=0.01", "small")
    assert decision.policy == {"kind": "cascade", "chain": [0, 1], "thresholds": [0.5]}
    assert decision.ranking == (Ranked("small", 0.4, 1e-6, True), Ranked("large", 0.9, 1e-5, True))
    assert decision.runs[0].quality == 0.95
    # 4 words in, 2 out, at 1 and 2 USD per million
    assert decision.cost_usd == Decimal(raw.headers["x-penstock-cost-usd"]) == Decimal("0.000008")
    assert decision.query_text is None


async def test_a_poor_first_answer_goes_on_and_both_are_paid(start: Start, hello: Messages) -> None:
    gateway = start(small="hm")
    raw = gateway.client().chat.completions.with_raw_response.create(model="auto", messages=hello)
    assert raw.parse().choices[0].message.content == "sure: large"
    assert raw.headers["x-penstock-candidates"] == "small,large"
    assert Decimal(raw.headers["x-penstock-cost-usd"]) == Decimal("0.000006") + Decimal("0.00008")


async def test_async_client_and_text_in_the_log(start: Start, hello: Messages) -> None:
    from penstock.gateway.settings import Settings

    gateway = start(settings=Settings(log_text=True))
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as client:
        done = await client.chat.completions.create(model="auto", messages=hello)
    assert done.choices[0].message.content == "sure: small"
    assert (await gateway.last()).query_text == "Hello, how are you?"


@pytest.mark.parametrize(
    ("model", "answered"),
    [
        ("auto:budget=0.002", "small"),
        ("auto:quality=0.95", "large"),
        ("auto:savings=0.6", "small"),
        ("auto:strong_share=0.3", "small"),
    ],
)
async def test_targets_by_model_name(start: Start, hello: Messages, model: str, answered: str) -> None:
    gateway = start()
    assert gateway.client().chat.completions.create(model=model, messages=hello).model == answered
    assert (await gateway.last()).target == model.removeprefix("auto:")


async def test_a_candidate_by_name_is_asked_directly(start: Start, hello: Messages) -> None:
    gateway = start()
    raw = gateway.client().chat.completions.with_raw_response.create(model="large", messages=hello)
    assert raw.parse().model == "large"
    assert gateway.providers["small"].calls == []
    decision = await gateway.last()
    assert (decision.policy, decision.target, decision.ranking, decision.accepted) == (
        None,
        None,
        (),
        "large",
    )


async def test_tools_and_unknown_fields_pass_through_both_ways(start: Start) -> None:
    reply = Reply(None, tool_calls=(CALL,), finish_reason="tool_calls", body={"x_vendor": {"a": [1]}})
    gateway = start(large=reply)
    messages: Messages = [
        {"role": "user", "content": [{"type": "text", "text": "look"}], "x_note": 1},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
    ]
    done = gateway.client().chat.completions.create(
        model="large",
        messages=messages,
        tools=[TOOL],
        tool_choice="auto",
        seed=7,
        extra_body={"x_new": {"b": 2}},
    )
    sent = gateway.providers["large"].calls[0]
    assert list(sent.messages) == messages
    assert sent.params == {"tools": [TOOL], "tool_choice": "auto", "seed": 7, "x_new": {"b": 2}}
    assert done.choices[0].message.tool_calls[0].model_dump() == CALL
    assert done.choices[0].finish_reason == "tool_calls"
    assert done.model_extra["x_vendor"] == {"a": [1]}


async def test_the_same_conversation_is_decided_the_same_way(start: Start, hello: Messages) -> None:
    gateway = start()
    for _ in range(2):
        gateway.client().chat.completions.create(model="auto", messages=hello)
    first, second = await gateway.log.recent()
    assert first.query_hash == second.query_hash
    assert first.id != second.id


async def test_strange_text_survives(start: Start) -> None:
    text = 'größe \U0001f600 "\\u2028" \ud83d'
    gateway = start(small=text, large=Reply("sure", logprobs=(float("-inf"),)))
    messages: Messages = [{"role": "user", "content": "\U0001f600 \x00 \u2028"}]
    create = gateway.client().chat.completions.create
    assert create(model="small", messages=messages).choices[0].message.content == text
    chunks = create(model="small", messages=messages, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == text
    assert create(model="large", messages=messages).choices[0].logprobs.content[0].logprob == float("-inf")
    assert gateway.providers["small"].calls[0].messages[0]["content"] == messages[0]["content"]


class TestFailures:
    async def test_a_failed_candidate_is_replaced(self, start: Start, hello: Messages) -> None:
        gateway = start(small=ProviderTimeout("no answer in time", candidate="small"))
        raw = gateway.client().chat.completions.with_raw_response.create(model="auto", messages=hello)
        assert raw.parse().model == "large"
        assert raw.headers["x-penstock-candidates"] == "small,large"
        decision = await gateway.last()
        assert [run.status for run in decision.runs] == [Status.FAILED, Status.ANSWERED]
        assert decision.runs[0].error == "small: no answer in time"

    async def test_a_routed_candidate_is_replaced(self, start: Start, hello: Messages) -> None:
        gateway = start(large=ProviderUnavailable("down", candidate="large"))
        done = gateway.client().chat.completions.create(model="auto:quality=0.9", messages=hello)
        assert done.model == "small"

    async def test_an_answer_at_hand_is_returned_when_the_next_fails(
        self, start: Start, hello: Messages
    ) -> None:
        gateway = start(small="hm", large=ProviderUnavailable("down", candidate="large"))
        done = gateway.client().chat.completions.create(model="auto", messages=hello)
        assert (done.model, done.choices[0].message.content) == ("small", "hm")

    async def test_when_all_fail_the_last_error_is_told(self, start: Start, hello: Messages) -> None:
        gateway = start(
            small=ProviderUnavailable("down", candidate="small"),
            large=RateLimited("slow down", candidate="large", retry_after_s=3.2),
        )
        with pytest.raises(openai.RateLimitError) as caught:
            gateway.client().chat.completions.create(model="auto", messages=hello)
        assert caught.value.response.headers["retry-after"] == "4"
        assert caught.value.body == {
            "message": "large: slow down",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limited",
        }
        decision = await gateway.last()
        assert caught.value.response.headers["x-penstock-decision-id"] == decision.id
        assert (decision.status, decision.accepted, len(decision.runs)) == (Status.FAILED, None, 2)

    async def test_a_bad_request_is_not_tried_elsewhere(self, start: Start, hello: Messages) -> None:
        body = {
            "error": {"message": "bad temperature", "type": "invalid_request_error", "param": "temperature"}
        }
        gateway = start(small=RequestRejected("HTTP 422", candidate="small", upstream_status=422, body=body))
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            gateway.client().chat.completions.create(model="auto", messages=hello)
        assert caught.value.param == "temperature"
        assert gateway.providers["large"].calls == []

    async def test_a_context_too_long_for_one_may_fit_another(self, start: Start, hello: Messages) -> None:
        body = {"error": {"message": "too long", "code": "context_length_exceeded"}}
        gateway = start(small=RequestRejected("HTTP 400", candidate="small", body=body))
        assert gateway.client().chat.completions.create(model="auto", messages=hello).model == "large"

    async def test_a_refusal_goes_on_and_is_a_status(self, start: Start, hello: Messages) -> None:
        gateway = start(small=Reply("sure", refusal="no"), large=Reply(None, refusal="I will not."))
        done = gateway.client().chat.completions.create(model="auto", messages=hello)
        assert (done.model, done.choices[0].message.refusal) == ("large", "I will not.")
        assert [run.status for run in (await gateway.last()).runs] == [Status.REFUSED, Status.REFUSED]

    async def test_a_defect_tells_nothing_and_is_logged(self, start: Start, hello: Messages) -> None:
        gateway = start(small=ValueError("secret detail"))
        with pytest.raises(openai.InternalServerError) as caught:
            gateway.client().chat.completions.create(model="auto", messages=hello)
        assert "secret detail" not in caught.value.response.text
        assert caught.value.body["message"] == "internal error"
        assert (await gateway.last()).status is Status.FAILED


class TestEligibility:
    async def test_those_who_cannot_are_not_asked(self, start: Start, hello: Messages) -> None:
        gateway = start(capabilities={"small": {"tools": False}})
        done = gateway.client().chat.completions.create(model="auto", messages=hello, tools=[TOOL])
        assert done.model == "large"
        assert [r.eligible for r in (await gateway.last()).ranking] == [False, True]

    @pytest.mark.parametrize(
        ("capability", "fields"),
        [
            ({"context_window": 50}, {"max_tokens": 50}),
            ({"vision": False}, {}),
            (
                {"json_schema": False},
                {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            ),
        ],
    )
    async def test_nobody_can(self, start: Start, capability: Any, fields: Any) -> None:
        gateway = start(capabilities={"small": capability, "large": capability})
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        messages: Messages = [{"role": "user", "content": [{"type": "text", "text": "what?"}, image]}]
        with pytest.raises(openai.BadRequestError) as caught:
            gateway.client().chat.completions.create(model="auto", messages=messages, **fields)
        assert caught.value.code == "no_eligible_candidate"


async def test_many_at_once(start: Start) -> None:
    gateway = start(small=lambda request: f"sure: {request.messages[0]['content']}", delays={"small": 0.1})
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as client:

        async def one(number: int) -> str | None:
            messages: Messages = [{"role": "user", "content": f"number {number}"}]
            done = await client.chat.completions.create(model="auto", messages=messages)
            return done.choices[0].message.content

        started = time.perf_counter()
        answers = await asyncio.gather(*(one(n) for n in range(40)))
    assert answers == [f"sure: number {n}" for n in range(40)]
    assert time.perf_counter() - started < 40 * 0.1 / 2
    assert len({d.id for d in await gateway.log.recent(100)}) == 40


async def test_a_caller_who_leaves_cancels_the_call(start: Start, hello: Messages) -> None:
    gateway = start(delays={"small": 30.0})
    with pytest.raises(openai.APITimeoutError):
        gateway.client(timeout=0.3).chat.completions.create(model="auto", messages=hello)
    await until(lambda: gateway.providers["small"].cancelled == 1)
    await asyncio.sleep(0.1)
    decision = await gateway.last()
    assert (decision.status, decision.accepted) == (Status.FAILED, None)
    assert decision.runs[0].error == "the caller left"


async def test_the_overhead_is_not_the_candidates_time(start: Start, hello: Messages) -> None:
    gateway = start(delays={"small": 0.5})
    raw = gateway.client().chat.completions.with_raw_response.create(model="auto", messages=hello)
    assert float(raw.headers["x-penstock-overhead-ms"]) < 250


async def test_unknown_costs_are_not_told_as_zero(start: Start, hello: Messages) -> None:
    gateway = start(small=Reply("sure", body={"usage": None}))
    raw = gateway.client().chat.completions.with_raw_response.create(model="auto", messages=hello)
    assert "x-penstock-cost-usd" not in raw.headers
    assert (await gateway.last()).cost_usd is None


async def test_cached_tokens_are_cheaper_where_the_price_says_so(start: Start, hello: Messages) -> None:
    gateway = start(small=Reply("sure", usage=Usage(1000, 10, 400)))
    gateway.client().chat.completions.create(model="auto", messages=hello)
    assert (await gateway.last()).runs[0].input_tokens == 1000


async def until(condition: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


async def test_expected_costs_are_logged_in_the_routers_unit(start: Start, hello: Messages) -> None:
    gateway = start(router=SaidRouter(cost_unit=LATENCY))
    gateway.client().chat.completions.create(model="auto", messages=hello)
    assert {ranked.unit for ranked in (await gateway.last()).ranking} == {"latency"}
