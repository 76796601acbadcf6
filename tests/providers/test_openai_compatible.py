"""The remote provider against a local server that answers rightly and wrongly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest

from penstock.candidates import Candidate
from penstock.errors import (
    AuthenticationFailed,
    PoolError,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRejected,
)
from penstock.pricing import Price
from penstock.providers import _errors, openai_compatible
from penstock.providers.base import ChatRequest
from penstock.providers.openai_compatible import OpenAICompatibleProvider
from penstock.testing.providers import gathered
from penstock.types import Status

from .fake_server import FakeServer, good, lines, raw

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
ASKED = ChatRequest(({"role": "user", "content": "hi", "name": "ann"},), {"tools": [TOOL], "x_new": {"a": 1}})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "_FIRST_WAIT_S", 0.001)


@pytest.fixture
async def make(server: FakeServer) -> AsyncIterator[Any]:
    made: list[OpenAICompatibleProvider] = []

    def build(**fields: Any) -> OpenAICompatibleProvider:
        options = {"base_url": server.url, **fields.pop("options", {})}
        candidate = Candidate("a", "openai_compatible", "m-1", options=options, **fields)
        made.append(OpenAICompatibleProvider.from_candidate(candidate))
        return made[-1]

    yield build
    for provider in made:
        await provider.aclose()


async def test_everything_passes_through_both_ways(server: FakeServer, make: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    server.responses = [good(text="", tool_calls=[call], finish_reason="tool_calls")]
    done = await make().complete(ASKED)
    assert server.seen == [
        {
            "tools": [TOOL],
            "x_new": {"a": 1},
            "model": "m-1",
            "messages": [{"role": "user", "content": "hi", "name": "ann"}],
        }
    ]
    assert done.body["choices"][0]["message"]["tool_calls"] == [call]
    assert done.answer.finish_reason == "tool_calls"


async def test_the_candidate_says_how_it_is_called(server: FakeServer, make: Any) -> None:
    provider = make(params={"temperature": 0.5}, system="Be brief.")
    await provider.complete(
        ChatRequest(({"role": "user", "content": "hi"},), {"temperature": 1, "top_p": 0.9})
    )
    sent = server.seen[0]
    assert (sent["temperature"], sent["top_p"]) == (0.5, 0.9)
    assert [m["role"] for m in sent["messages"]] == ["system", "user"]


async def test_usage_cached_tokens_and_logprobs(server: FakeServer, make: Any) -> None:
    server.responses = [good(tokens=["It", " is"], logprobs=[-0.1, -0.2])]
    answer = (await make(price=Price.of(10, 20, 1)).complete(ASKED)).answer
    assert (answer.usage.input_tokens, answer.usage.cached_tokens, answer.usage.output_tokens) == (12, 4, 5)
    assert answer.cost_usd == pytest.approx((8 * 10 + 4 * 1 + 5 * 20) / 1e6, rel=1e-12)
    assert answer.logprobs == (-0.1, -0.2)
    _, streamed = await gathered(make(price=Price.of(10, 20, 1)).stream(ASKED))
    assert (streamed.logprobs, streamed.cost_usd) == (answer.logprobs, answer.cost_usd)


async def test_a_cost_is_unknown_where_usage_or_price_is(server: FakeServer, make: Any) -> None:
    assert (await make().complete(ASKED)).answer.cost_usd is None
    server.responses = [
        raw(200, json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}))
    ]
    assert (await make(price=Price.of(1, 1)).complete(ASKED)).answer.cost_usd is None


@pytest.mark.parametrize("fields", [{"refusal": "I will not."}, {"finish_reason": "content_filter"}])
async def test_refusals_are_a_status(server: FakeServer, make: Any, fields: dict[str, Any]) -> None:
    server.responses = [good(text="", **fields)]
    assert (await make().complete(ASKED)).answer.status is Status.REFUSED
    assert (await gathered(make().stream(ASKED)))[1].status is Status.REFUSED


async def test_the_key_is_sent_and_not_shown(
    server: FakeServer, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_KEY", "sk-hidden")
    server.responses = [raw(401, '{"error": {"message": "Incorrect API key provided: sk-hidden"}}')]
    provider = make(options={"api_key": "${THE_KEY}", "headers": {"x-team": "${THE_KEY}"}})
    with pytest.raises(AuthenticationFailed) as caught:
        await provider.complete(ASKED)
    assert server.headers[0]["Authorization"] == "Bearer sk-hidden"
    assert server.headers[0]["x-team"] == "sk-hidden"
    assert "sk-hidden" not in f"{caught.value}{provider.endpoint!r}{provider.candidate!r}"


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    options = {"base_url": "http://h/v1", "api_key": "os.environ/NO_SUCH_KEY"}
    with pytest.raises(PoolError, match="candidate 'a': environment variable NO_SUCH_KEY is not set"):
        OpenAICompatibleProvider.from_candidate(Candidate("a", "openai_compatible", "m", options=options))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RequestRejected),
        (422, RequestRejected),
        (403, AuthenticationFailed),
        (404, ProviderUnavailable),
        (302, ProviderUnavailable),
        (429, RateLimited),
        (500, ProviderUnavailable),
        (504, ProviderTimeout),
    ],
)
async def test_statuses_map_to_our_errors(
    server: FakeServer, make: Any, status: int, error: type[ProviderError]
) -> None:
    server.responses = [raw(status, '{"error": {"message": "told so"}}', Location="http://127.0.0.1:9/")]
    with pytest.raises(error) as caught:
        await make(options={"max_retries": 0}).complete(ASKED)
    assert type(caught.value) is error
    assert caught.value.candidate == "a"
    if error is RequestRejected:
        assert caught.value.upstream_status == status
        assert caught.value.body == {"error": {"message": "told so"}}


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", "{}", '{"choices": []}', '{"error": {"message": "x", "code": 503}}']
)
async def test_nonsense_with_status_200_is_an_error(server: FakeServer, make: Any, text: str) -> None:
    server.responses = [raw(200, text)]
    with pytest.raises(ProviderUnavailable):
        await make().complete(ASKED)


async def test_retries_until_it_works(server: FakeServer, make: Any) -> None:
    server.responses = [raw(503, "busy"), raw(429, "slow"), good()]
    assert (await make().complete(ASKED)).answer.text == "It is four."
    assert len(server.seen) == 3


async def test_retries_end(server: FakeServer, make: Any) -> None:
    server.responses = [raw(503, "busy")]
    with pytest.raises(ProviderUnavailable, match="HTTP 503: busy"):
        await make(options={"max_retries": 1}).complete(ASKED)
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "response", [raw(400, "no"), raw(401, "no"), raw(429, '{"error": {"code": "insufficient_quota"}}')]
)
async def test_what_will_not_get_better_is_not_retried(server: FakeServer, make: Any, response: Any) -> None:
    server.responses = [response]
    with pytest.raises(ProviderError):
        await make().complete(ASKED)
    assert len(server.seen) == 1


async def test_retry_after_is_honoured(
    server: FakeServer, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(openai_compatible.asyncio, "sleep", noted)
    server.responses = [raw(429, "", Retry_After="7"), good()]
    await make().complete(ASKED)
    assert 7.0 in waited
    server.responses = [raw(429, "", Retry_After="3600")]
    with pytest.raises(RateLimited) as caught:
        await make().complete(ASKED)
    assert caught.value.retry_after_s == 3600


def test_retry_after_in_both_forms() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=30), usegmt=True)
    assert _errors.retry_after({"Retry-After": "2.5"}) == 2.5
    assert _errors.retry_after({"Retry-After": later}, now) == 30
    assert _errors.retry_after({"Retry-After": later}, now + timedelta(minutes=5)) == 0
    assert _errors.retry_after({"Retry-After": "soon"}) is None
    assert _errors.retry_after({}) is None


async def test_no_answer_in_time(server: FakeServer, make: Any) -> None:
    server.responses = [good(delay_s=5)]
    with pytest.raises(ProviderTimeout, match="no answer in time"):
        await make(options={"timeout_s": 0.1}).complete(ASKED)
    assert len(server.seen) == 1


async def test_nobody_listens(make: Any) -> None:
    provider = make(options={"base_url": "http://127.0.0.1:9/v1", "max_retries": 1})
    with pytest.raises(ProviderUnavailable, match=r"a: cannot connect to 127\.0\.0\.1:9"):
        await provider.complete(ASKED)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (['data: {"choices": [{"delta": {"content": "a"}}]}\n\n'], "ended before"),
        (["data: {nonsense\n\n"], "not JSON"),
        (["data: [1]\n\n"], "not an object"),
        (['data: {"error": {"message": "overloaded"}}\n\n'], "overloaded"),
    ],
)
async def test_broken_streams_are_errors(server: FakeServer, make: Any, texts: list[str], said: str) -> None:
    server.responses = [lines(*texts)]
    with pytest.raises(ProviderUnavailable, match=said):
        await gathered(make().stream(ASKED))


async def test_a_stream_that_falls_silent_times_out(server: FakeServer, make: Any) -> None:
    server.responses = [lines('data: {"choices": [{"delta": {"content": "a"}}]}\n\n', then_s=5)]
    with pytest.raises(ProviderTimeout):
        await gathered(make(options={"timeout_s": 0.1}).stream(ASKED))


async def test_streams_of_any_cut_are_read(server: FakeServer, make: Any) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "größe"}, "finish_reason": "stop"}]}
    data = json.dumps(chunk, ensure_ascii=False)
    text = f": hello\r\n\r\nevent: x\r\ndata: {data}\r\n\r\ndata: [DONE]\r\n\r\n"
    server.responses = [lines(*text)]
    bodies, answer = await gathered(make().stream(ASKED))
    assert bodies == [chunk]
    assert answer.text == "größe"


async def test_leaving_a_stream_closes_the_connection(server: FakeServer, make: Any) -> None:
    first = 'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'
    server.responses = [lines(first, then_s=30)]
    stream = make().stream(ASKED)
    await anext(stream)
    await stream.aclose()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if server.cancelled:
            break
    assert server.cancelled == 1


def test_every_error_of_the_http_client_is_mapped() -> None:
    def below(kind: type[BaseException]) -> set[type[BaseException]]:
        return {kind}.union(*(below(sub) for sub in kind.__subclasses__()))

    for kind in below(aiohttp.ClientError):
        error = kind.__new__(kind)
        if isinstance(error, aiohttp.ClientConnectorError):
            key = type("Key", (), {"host": "h", "port": 1, "ssl": False})()
            aiohttp.ClientConnectorError.__init__(error, key, OSError(1, "no"))
        mapped = _errors.from_exception(error, "a")
        wanted = ProviderTimeout if issubclass(kind, TimeoutError) else ProviderUnavailable
        assert type(mapped) is wanted
