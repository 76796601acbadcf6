"""The contract every provider keeps: subclass ``ProviderContract`` and give its fixture ``provider``.

::

    class TestMine(ProviderContract):
        @pytest.fixture
        def provider(self):
            return MyProvider(...)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from penstock.errors import ProviderError
from penstock.providers.base import ChatRequest, Provider, StreamChunk
from penstock.types import Answer, Status

REQUEST = ChatRequest(({"role": "user", "content": "What is 2 + 2?"},), {"seed": 0})


async def gathered(stream: AsyncIterator[StreamChunk]) -> tuple[list[dict[str, Any]], Answer]:
    """The bodies of a stream and the answer at its end."""
    bodies, answer = [], None
    async for chunk in stream:
        assert answer is None, "nothing comes after the item with the answer"
        if chunk.body is not None:
            bodies.append(dict(chunk.body))
        answer = chunk.answer
    assert answer is not None, "the last item carries the answer"
    return bodies, answer


class ProviderContract:
    """``provider`` must be able to answer ``self.request_()``; ``candidate_name`` is its candidate's name."""

    candidate_name = "a"

    def request_(self) -> ChatRequest:
        """A request the provider can answer."""
        return REQUEST

    @pytest.fixture
    def provider(self) -> Provider:
        """The provider under test."""
        raise NotImplementedError("give the provider under test as a fixture")

    def test_it_is_a_provider(self, provider: Provider) -> None:
        assert isinstance(provider, Provider)

    async def test_a_completion_is_openai_shaped(self, provider: Provider) -> None:
        completion = await provider.complete(self.request_())
        body, answer = completion.body, completion.answer
        choice = body["choices"][0]
        assert body["object"] == "chat.completion"
        assert choice["message"]["role"] == "assistant"
        assert (choice["message"].get("content") or "") == answer.text
        assert choice["finish_reason"] == answer.finish_reason
        json.dumps(body)
        await provider.aclose()

    async def test_an_answer_says_what_it_took(self, provider: Provider) -> None:
        answer = (await provider.complete(self.request_())).answer
        assert answer.candidate == self.candidate_name
        assert answer.status is Status.ANSWERED
        assert answer.usage.input_tokens > 0
        assert answer.usage.output_tokens > 0
        assert answer.cost_usd is None or answer.cost_usd >= 0
        assert answer.logprobs is None or all(p <= 0 for p in answer.logprobs)
        await provider.aclose()

    async def test_a_stream_amounts_to_the_completion(self, provider: Provider) -> None:
        whole = (await provider.complete(self.request_())).answer
        bodies, answer = await gathered(provider.stream(self.request_()))
        assert all(body["object"] == "chat.completion.chunk" for body in bodies)
        text = "".join(c["delta"].get("content") or "" for body in bodies for c in body["choices"])
        assert text == answer.text == whole.text
        assert (answer.usage, answer.cost_usd) == (whole.usage, whole.cost_usd)
        finishes = [c["finish_reason"] for body in bodies for c in body["choices"] if c.get("finish_reason")]
        assert finishes == [answer.finish_reason]
        await provider.aclose()

    async def test_usage_is_streamed_to_those_who_ask(self, provider: Provider) -> None:
        request = self.request_()
        bodies, _ = await gathered(provider.stream(request))
        assert not any(body.get("usage") for body in bodies)
        asked = ChatRequest(request.messages, {**request.params, "stream_options": {"include_usage": True}})
        bodies, answer = await gathered(provider.stream(asked))
        assert bodies[-1]["choices"] == []
        assert bodies[-1]["usage"]["prompt_tokens"] == answer.usage.input_tokens
        assert bodies[-1]["usage"]["completion_tokens"] == answer.usage.output_tokens
        await provider.aclose()

    async def test_a_request_is_not_changed(self, provider: Provider) -> None:
        request = self.request_()
        before = json.dumps([list(request.messages), dict(request.params)])
        await provider.complete(request)
        await gathered(provider.stream(request))
        assert json.dumps([list(request.messages), dict(request.params)]) == before
        await provider.aclose()

    async def test_closing_twice_is_fine(self, provider: Provider) -> None:
        await provider.aclose()
        await provider.aclose()


class FailingProviderContract:
    """The other half, for a provider that cannot answer: it raises our errors and names its candidate."""

    candidate_name = "a"

    @pytest.fixture
    def failing(self) -> Provider:
        """A provider whose every call fails."""
        raise NotImplementedError("give a failing provider as a fixture")

    async def test_a_failure_is_ours_and_names_the_candidate(self, failing: Provider) -> None:
        with pytest.raises(ProviderError) as caught:
            await failing.complete(REQUEST)
        assert caught.value.candidate == self.candidate_name
        with pytest.raises(ProviderError) as caught:
            await gathered(failing.stream(REQUEST))
        assert caught.value.candidate == self.candidate_name
        await failing.aclose()
