"""Embedded models behind the provider seam."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from penstock.answers.marked import is_correct
from penstock.candidates import Candidate
from penstock.errors import PoolError, ProviderUnavailable, RequestRejected
from penstock.lab.tasks import generate
from penstock.pricing import Price
from penstock.providers.base import ChatRequest, Provider
from penstock.providers.embedded import EmbeddedProvider
from penstock.providers.embedded_request import render
from penstock.providers.make import make_provider
from penstock.providers.openai_format import Assembly
from penstock.runtime.model import LanguageModel
from penstock.runtime.phrases import REFUSAL
from penstock.types import Status

pytest.importorskip("onnxruntime")

QUESTION = "Start at 7, forward 3. What number?"


def candidate(**fields: Any) -> Candidate:
    return Candidate(**{"name": "c", "provider": "embedded", "model": "tiny", **fields})


def asked(text: str, **params: object) -> ChatRequest:
    return ChatRequest(({"role": "user", "content": text},), params)


@pytest.fixture
async def provider() -> AsyncIterator[EmbeddedProvider]:
    made = EmbeddedProvider(candidate(price=Price(Decimal(1), Decimal(2))))
    yield made
    await made.aclose()


async def test_the_registry_makes_one() -> None:
    made = make_provider(candidate())
    assert isinstance(made, Provider)
    await made.aclose()


async def test_a_completion_is_openai_shaped(provider: EmbeddedProvider) -> None:
    completion = await provider.complete(asked(QUESTION))
    body, answer = completion.body, completion.answer
    choice = body["choices"][0]
    assert body["object"] == "chat.completion"
    assert choice["message"]["content"] == answer.text
    assert choice["logprobs"] is None
    assert choice["finish_reason"] == answer.finish_reason == "stop"
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert answer.usage.output_tokens == usage["completion_tokens"] == len(answer.text.split())
    assert answer.logprobs is not None
    assert len(answer.logprobs) == answer.usage.output_tokens
    assert answer.cost_usd == pytest.approx((usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1e6)
    assert answer.latency_s is not None
    assert answer.latency_s > 0


async def test_logprobs_in_openai_form(provider: EmbeddedProvider) -> None:
    completion = await provider.complete(asked(QUESTION, logprobs=True, top_logprobs=2, max_tokens=4))
    content = completion.body["choices"][0]["logprobs"]["content"]
    assert completion.body["choices"][0]["finish_reason"] == "length"
    assert [entry["logprob"] for entry in content] == list(completion.answer.logprobs or ())
    assert "".join(entry["token"] for entry in content) == completion.answer.text
    for entry in content:
        assert len(entry["top_logprobs"]) == 2
        assert bytes(entry["bytes"]).decode() == entry["token"]
        assert math.exp(entry["logprob"]) <= 1.0


async def test_temperature_defaults_to_greedy_and_seeds_repeat(provider: EmbeddedProvider) -> None:
    async def texts(**params: object) -> list[str]:
        done = await asyncio.gather(*(provider.complete(asked(QUESTION, **params)) for _ in range(6)))
        return [completion.answer.text for completion in done]

    assert len(set(await texts())) == 1
    assert len(set(await texts(temperature=1.8, seed=-3))) == 1
    assert len(set(await texts(temperature=1.8))) > 1


async def test_concurrent_answers_are_those_given_one_by_one() -> None:
    problems = generate(20, 6)
    first, second = EmbeddedProvider(candidate(model="small")), EmbeddedProvider(candidate(model="small"))
    together = await asyncio.gather(
        *((first, second)[i % 2].complete(asked(p.prompt)) for i, p in enumerate(problems))
    )
    await second.aclose()
    apart = [await first.complete(asked(problem.prompt)) for problem in problems]
    assert [c.answer.text for c in together] == [c.answer.text for c in apart]
    assert any(is_correct(c.answer.text, p.reference) for c, p in zip(apart, problems, strict=True))
    await first.aclose()


async def test_a_stream_amounts_to_the_completion(provider: EmbeddedProvider) -> None:
    request = asked(QUESTION, temperature=0.7, seed=5, logprobs=True, stream_options={"include_usage": True})
    whole = await provider.complete(request)
    chunks = [chunk async for chunk in provider.stream(request)]
    assembly = Assembly()
    for chunk in chunks[:-1]:
        assert chunk.body is not None
        assert chunk.body["object"] == "chat.completion.chunk"
        assembly.add(chunk.body)
    body = assembly.body()
    assert body["choices"][0]["message"] == whole.body["choices"][0]["message"]
    assert body["choices"][0]["logprobs"]["content"] == whole.body["choices"][0]["logprobs"]["content"]
    assert body["usage"] == whole.body["usage"]
    last = chunks[-1]
    assert last.body is None
    assert last.answer is not None
    assert (last.answer.text, last.answer.logprobs) == (whole.answer.text, whole.answer.logprobs)
    assert len(chunks) > 5


async def test_a_refusal_has_the_status_and_place_of_one() -> None:
    provider = EmbeddedProvider(candidate(model="small"))
    request = asked("forward 3 , double . what number ?")
    completion = await provider.complete(request)
    assert completion.answer.status is Status.REFUSED
    message = completion.body["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, REFUSAL)
    assembly = Assembly()
    answer = None
    async for chunk in provider.stream(request):
        answer = chunk.answer
        if chunk.body is not None:
            assembly.add(chunk.body)
    assert answer is not None
    assert answer.status is Status.REFUSED
    assert assembly.body()["choices"][0]["message"]["refusal"] == REFUSAL
    await provider.aclose()


def test_instructions_are_used_where_every_word_is_known() -> None:
    model = LanguageModel.load("tiny")
    system = {"role": "system", "content": "Answer briefly."}
    helpful = {"role": "system", "content": "You are a helpful assistant."}
    user = {"role": "user", "content": [{"type": "text", "text": "start at 7 . what number ?"}]}
    plain = render(model, [user])
    assert render(model, [helpful, user]) == plain
    assert render(model, [system, user]) == model.prompt_ids("start at 7 . what number ? answer briefly .")
    earlier = {"role": "user", "content": "something else"}
    assert render(model, [earlier, {"role": "assistant", "content": "answer : 1"}, user]) == plain


async def test_candidate_settings_come_first() -> None:
    provider = EmbeddedProvider(candidate(params={"max_tokens": 2}))
    completion = await provider.complete(asked(QUESTION, max_tokens=50))
    assert completion.answer.usage.output_tokens == 2
    await provider.aclose()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"n": 2}, "n must be 1"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -0.5}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": True}, "max_completion_tokens"),
        ({"seed": 1.5}, "seed"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"stop": 3}, "stop"),
    ],
)
async def test_bad_fields_are_rejected(
    provider: EmbeddedProvider, params: dict[str, object], said: str
) -> None:
    with pytest.raises(RequestRejected, match=said):
        await provider.complete(asked(QUESTION, **params))


async def test_prompts_that_cannot_be_answered(provider: EmbeddedProvider) -> None:
    with pytest.raises(RequestRejected, match="tokens"):
        await provider.complete(asked("a " * 400))
    with pytest.raises(RequestRejected, match="user message"):
        await provider.complete(ChatRequest(({"role": "system", "content": "hello"},)))
    with pytest.raises(RequestRejected, match="tokens"):
        async for _ in provider.stream(asked("a " * 400)):
            pass


async def test_closed_and_unknown() -> None:
    provider = EmbeddedProvider(candidate())
    await provider.aclose()
    await provider.aclose()
    with pytest.raises(ProviderUnavailable, match="closed"):
        await provider.complete(asked(QUESTION))
    with pytest.raises(PoolError, match="huge"):
        EmbeddedProvider(candidate(model="huge"))
