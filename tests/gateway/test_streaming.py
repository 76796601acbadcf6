"""Streams: passed through live where the answer is sure to be taken, kept alive while it is not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from penstock.errors import ProviderUnavailable
from penstock.gateway.settings import Settings
from penstock.providers.base import ChatRequest, StreamChunk
from penstock.providers.scripted import Reply
from penstock.types import Status

from .conftest import Start
from .plain import send
from .test_chat import CALL, TOOL, until

Messages = Any
LONG = "sure: " + "a longer answer that takes more than one chunk " * 3


def text_of(chunks: Any) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


async def test_a_decided_stream_is_live(start: Start, hello: Messages) -> None:
    gateway = start(large=LONG, chunk_delay_s=0.05)
    stream = gateway.client().chat.completions.create(model="auto:quality=0.9", messages=hello, stream=True)
    times, chunks = [], []
    for chunk in stream:
        times.append(time.perf_counter())
        chunks.append(chunk)
    assert text_of(chunks) == LONG
    assert {c.model for c in chunks} == {"large"}
    assert chunks[-1].choices[0].finish_reason == "stop"
    # chunks 0.05 s apart came apart: nothing was held back
    assert times[-1] - times[0] > 0.1
    assert stream.response.headers["x-penstock-model"] == "large"
    assert stream.response.headers["x-penstock-candidates"] == "large"
    assert "x-penstock-cost-usd" not in stream.response.headers
    decision = await gateway.log.get(stream.response.headers["x-penstock-decision-id"])
    assert decision is not None
    assert (decision.status, decision.accepted) == (Status.ANSWERED, "large")
    assert decision.cost_usd is not None
    assert decision.cost_usd > 0


async def test_a_cascade_streams_the_accepted_answer_only(start: Start, hello: Messages) -> None:
    gateway = start(small="hm", large=LONG)
    stream = gateway.client().chat.completions.create(model="auto", messages=hello, stream=True)
    chunks = list(stream)
    assert text_of(chunks) == LONG
    assert stream.response.headers["x-penstock-candidates"].split(",") == ["small", "large"]


async def test_the_first_of_a_cascade_is_replayed(start: Start, hello: Messages) -> None:
    gateway = start(small=LONG)
    stream = gateway.client().chat.completions.create(model="auto", messages=hello, stream=True)
    assert text_of(list(stream)) == LONG
    assert Decimal(stream.response.headers["x-penstock-cost-usd"]) > 0


@pytest.mark.parametrize("model", ["auto", "auto:quality=0.9", "small"])
async def test_usage_comes_at_the_end_for_those_who_ask(start: Start, hello: Messages, model: str) -> None:
    gateway = start(small=LONG, large=LONG)
    create = gateway.client().chat.completions.create
    asked = list(create(model=model, messages=hello, stream=True, stream_options={"include_usage": True}))
    assert asked[-1].choices == []
    assert asked[-1].usage.prompt_tokens == 4
    assert asked[-1].usage.completion_tokens == len(LONG.split())
    assert all(chunk.usage is None for chunk in asked[:-1])
    assert all(chunk.usage is None for chunk in create(model=model, messages=hello, stream=True))


@pytest.mark.parametrize("model", ["auto", "auto:quality=0.9"])
async def test_tool_calls_stay_whole(start: Start, hello: Messages, model: str) -> None:
    reply = Reply(None, tool_calls=(CALL,), finish_reason="tool_calls")
    gateway = start(small=reply, large=reply)
    with gateway.client().chat.completions.stream(model=model, messages=hello, tools=[TOOL]) as stream:
        message = stream.get_final_completion().choices[0].message
    function = message.tool_calls[0].function
    assert (message.tool_calls[0].id, function.name, function.arguments) == ("call_1", "look", '{"at": "it"}')


async def test_async_streaming(start: Start, hello: Messages) -> None:
    gateway = start(small=LONG)
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(model="small", messages=hello, stream=True)
        assert text_of([chunk async for chunk in stream]) == LONG


async def test_a_stream_is_kept_alive_while_a_cascade_decides(start: Start, hello: Messages) -> None:
    gateway = start(small="hm", delays={"small": 0.4}, settings=Settings(keep_alive_s=0.1))
    body = json.dumps({"model": "auto", "messages": hello, "stream": True})
    url = f"{gateway.url}/v1/chat/completions"
    response = send("POST", url, body, {"content-type": "application/json"})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "x-penstock-decision-id" in response.headers
    lines = [line for line in response.text.splitlines() if line]
    first_data = next(i for i, line in enumerate(lines) if line.startswith("data:"))
    assert lines[:first_data].count(": deciding") >= 2
    assert lines[-1] == "data: [DONE]"
    assert "x-penstock-cost-usd=" in lines[-2]
    stream = gateway.client().chat.completions.create(model="auto", messages=hello, stream=True)
    assert text_of(list(stream)) == "sure: large"


class TestFailures:
    @pytest.mark.parametrize("model", ["auto", "auto:quality=0.9", "small"])
    async def test_before_the_first_byte_it_is_a_status(
        self, start: Start, hello: Messages, model: str
    ) -> None:
        down = {name: ProviderUnavailable("down", candidate=name) for name in ("small", "large")}
        gateway = start(**down)
        with pytest.raises(openai.InternalServerError) as caught:
            gateway.client().chat.completions.create(model=model, messages=hello, stream=True)
        assert caught.value.status_code == 503
        assert caught.value.body["code"] == "provider_unavailable"

    async def test_a_live_candidate_that_fails_at_once_is_replaced(
        self, start: Start, hello: Messages
    ) -> None:
        gateway = start(large=ProviderUnavailable("down", candidate="large"))
        stream = gateway.client().chat.completions.create(
            model="auto:quality=0.9", messages=hello, stream=True
        )
        assert text_of(list(stream)) == "sure: small"
        assert stream.response.headers["x-penstock-model"] == "small"

    async def test_after_the_first_byte_it_is_an_event(self, start: Start, hello: Messages) -> None:
        gateway = start(small="hm", large=ProviderUnavailable("down", candidate="large"))
        gateway.providers["large"].stream = breaking  # type: ignore[attr-defined]
        stream = gateway.client().chat.completions.create(model="large", messages=hello, stream=True)
        with pytest.raises(openai.APIError, match="broke off"):
            list(stream)
        decision = await gateway.last()
        assert (decision.status, decision.accepted) == (Status.FAILED, None)

    async def test_after_the_stream_was_opened_it_is_an_event(self, start: Start, hello: Messages) -> None:
        down = {name: ProviderUnavailable("down", candidate=name) for name in ("small", "large")}
        gateway = start(**down, delays={"small": 0.3}, settings=Settings(keep_alive_s=0.05))
        stream = gateway.client().chat.completions.create(model="auto", messages=hello, stream=True)
        with pytest.raises(openai.APIError, match="large: down"):
            list(stream)

    async def test_a_defect_after_the_stream_was_opened(self, start: Start, hello: Messages) -> None:
        gateway = start(
            small=ValueError("detail"), delays={"small": 0.3}, settings=Settings(keep_alive_s=0.05)
        )
        stream = gateway.client().chat.completions.create(model="auto", messages=hello, stream=True)
        with pytest.raises(openai.APIError, match="internal error"):
            list(stream)


async def breaking(request: ChatRequest) -> AsyncIterator[StreamChunk]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": "Well"}, "finish_reason": None}
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    yield StreamChunk({**frame, "choices": [choice]})
    raise ProviderUnavailable("broke off", candidate="large")


@pytest.mark.parametrize(
    ("model", "fields"), [("auto", {"delays": {"small": 30.0}}), ("large", {"chunk_delay_s": 0.2})]
)
async def test_a_caller_who_leaves_ends_the_call(
    start: Start, hello: Messages, model: str, fields: dict[str, Any]
) -> None:
    gateway = start(large=LONG * 20, settings=Settings(keep_alive_s=0.05), **fields)
    stream = gateway.client().chat.completions.create(model=model, messages=hello, stream=True)
    if model == "large":
        next(iter(stream))
    stream.close()
    called = gateway.providers["small" if model == "auto" else "large"]
    await until(lambda: called.cancelled == 1)
    await asyncio.sleep(0.1)
    decision = await gateway.last()
    assert (decision.status, decision.accepted) == (Status.FAILED, None)
    assert decision.runs[-1].error == "the caller left"


async def test_an_answer_without_text_is_still_a_stream(start: Start, hello: Messages) -> None:
    gateway = start(small=Reply("", refusal="I will not.", finish_reason="content_filter"))
    chunks = list(gateway.client().chat.completions.create(model="small", messages=hello, stream=True))
    assert chunks[0].choices[0].delta.refusal == "I will not."
    assert chunks[-1].choices[0].finish_reason == "content_filter"
    assert (await gateway.last()).status is Status.REFUSED


def test_two_gateways_share_nothing(start: Start, hello: Messages) -> None:
    one, other = start(small="sure: one"), start(small="sure: other")
    answers = [g.client().chat.completions.create(model="auto", messages=hello) for g in (one, other)]
    assert [a.choices[0].message.content for a in answers] == ["sure: one", "sure: other"]
