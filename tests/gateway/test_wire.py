"""What the gateway refuses, and how it says so: OpenAI's error bodies with the right status."""

from __future__ import annotations

import json
import time
from typing import Any

import openai
import pytest

from penstock.candidates import Requirements
from penstock.errors import InputError, PoolError
from penstock.gateway.app import create_app
from penstock.gateway.settings import Settings, check_binding
from penstock.gateway.wire import requirements
from penstock.providers.base import ChatRequest
from penstock.storage.memory import MemoryDecisionLog

from .conftest import SaidRouter, Start
from .plain import send

JSON = {"content-type": "application/json"}
HI = [{"role": "user", "content": "hi"}]


def body(**fields: Any) -> str:
    return json.dumps({"model": "auto", "messages": HI, **fields})


@pytest.mark.parametrize(
    ("content", "status", "param", "code"),
    [
        ("{", 400, None, "invalid_json"),
        ("[]", 400, None, "invalid_json"),
        ("[" * 100_000, 400, None, "invalid_json"),
        (body(messages=[{"role": "user", "content": "half \ud83d"}]), 400, None, "invalid_json"),
        (body(temperature=float("nan")), 400, None, "invalid_json"),
        (json.dumps({"messages": HI}), 400, "model", None),
        (body(model="a" * 5000), 400, "model", None),
        (body(model=3), 400, "model", None),
        (body(messages=[]), 400, "messages", None),
        (body(messages="hi"), 400, "messages", None),
        (body(messages=[*HI, 5]), 400, "messages[1]", None),
        (body(messages=[{"role": "user", "content": 5}]), 400, "messages[0].content", None),
        (body(stream="yes"), 400, "stream", None),
        (body(stream_options={"include_usage": True}), 400, "stream_options", None),
        (body(model="gpt-9"), 404, "model", "model_not_found"),
        (body(model="auto:cheap"), 400, "model", "invalid_target"),
        (body(model="auto:budget=much"), 400, "model", "invalid_target"),
        (body(model="auto:savings=7"), 400, "model", "invalid_target"),
        (body(model="auto:budget=1e-9"), 400, "model", "target_out_of_reach"),
    ],
)
def test_wrong_requests(start: Start, content: str, status: int, param: str | None, code: str | None) -> None:
    url = f"{start().url}/v1/chat/completions"
    response = send("POST", url, content, headers=JSON)
    error = response.json()["error"]
    assert (response.status, error["param"], error["code"]) == (status, param, code)
    assert error["type"] == "invalid_request_error"
    assert error["message"]


async def test_an_unknown_model_is_in_the_log(start: Start) -> None:
    gateway = start()
    with pytest.raises(openai.NotFoundError):
        gateway.client().chat.completions.create(model="gpt-9", messages=HI)
    assert (await gateway.last()).asked == "gpt-9"


def test_other_paths_and_methods(start: Start) -> None:
    url = start().url
    for response, status in (
        (send("GET", f"{url}/v1/nothing"), 404),
        (send("GET", f"{url}/v1/chat/completions"), 405),
        (send("POST", f"{url}/v1/chat/completions", body()), 415),
    ):
        assert response.status == status
        assert response.json()["error"]["type"] == "invalid_request_error"


def test_bodies_too_large_are_refused_announced_or_not(start: Start) -> None:
    url = f"{start(settings=Settings(max_body_bytes=1000)).url}/v1/chat/completions"
    assert send("POST", url, body(), headers=JSON).status == 200
    long = body(x="a" * 2000)
    assert send("POST", url, long, headers=JSON).status == 413

    def pieces() -> Any:
        for start_ in range(0, len(long), 100):
            yield long[start_ : start_ + 100].encode()

    response = send("POST", url, pieces(), headers=JSON)
    assert (response.status, response.json()["error"]["code"]) == (413, "body_too_large")


def test_models_and_health(start: Start) -> None:
    gateway = start()
    client = gateway.client()
    assert [model.id for model in client.models.list()] == ["auto", "small", "large"]
    assert client.models.retrieve("small").owned_by == "penstock"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("vendor/none")
    assert send("GET", f"{gateway.url}/health").json() == {"status": "ok"}


class TestKeys:
    def test_with_a_key_callers_show_it(self, start: Start) -> None:
        gateway = start(settings=Settings(api_key="the-key"))
        right = gateway.client(api_key="the-key")
        assert right.chat.completions.create(model="auto", messages=HI).model == "small"
        for wrong in ("the-kez", "the-key2", "THE-KEY"):
            with pytest.raises(openai.AuthenticationError) as caught:
                gateway.client(api_key=wrong).models.list()
            assert caught.value.code == "invalid_api_key"
        strange = {"authorization": "Bearer schl\xfcssel"}
        assert send("GET", f"{gateway.url}/v1/models", headers=strange).status == 401
        assert send("GET", f"{gateway.url}/v1/models").status == 401
        assert send("GET", f"{gateway.url}/health").status == 200

    def test_without_a_key_only_loopback_names_pass(self, start: Start) -> None:
        url = start().url
        assert send("GET", f"{url}/v1/models", headers={"host": "localhost:1"}).status == 200
        assert send("GET", f"{url}/v1/models", headers={"host": "[::1]:1"}).status == 200
        response = send("GET", f"{url}/v1/models", headers={"host": "evil.example"})
        assert (response.status, response.json()["error"]["code"]) == (403, "host_not_allowed")

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
    def test_no_key_no_open_port(self, host: str) -> None:
        with pytest.raises(InputError, match="PENSTOCK_API_KEY"):
            check_binding(host, None)
        check_binding(host, "key")

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
    def test_loopback_needs_no_key(self, host: str) -> None:
        check_binding(host, None)

    def test_a_key_is_not_shown(self) -> None:
        assert "the-key" not in repr(Settings(api_key="the-key"))


def test_answers_are_not_held_back_by_the_network(start: Start) -> None:
    client, times = start().client(), []
    for _ in range(20):
        started = time.perf_counter()
        client.chat.completions.create(model="auto", messages=HI)
        times.append(time.perf_counter() - started)
    assert sorted(times)[10] < 0.035  # on a kept connection Nagle's algorithm would make it 0.04 s and more


def test_a_candidate_missing_from_the_pool_is_named() -> None:
    with pytest.raises(PoolError, match=r"fitted on large, which the pool lacks\. The pool has small"):
        create_app(SaidRouter(), {"small": None}, MemoryDecisionLog())  # type: ignore[dict-item]
    offered = dict.fromkeys(("small", "large", "auto"))
    with pytest.raises(PoolError, match="may be called 'auto'"):
        create_app(SaidRouter(), offered, MemoryDecisionLog())  # type: ignore[arg-type]


def test_what_a_request_needs() -> None:
    text = ChatRequest(
        ({"role": "user", "content": "x" * 401},), {"max_completion_tokens": 10, "max_tokens": 5}
    )
    assert requirements(text) == Requirements(context_tokens=111)
    image = {"type": "image_url", "image_url": {"url": "data:" + "A" * 4000}}
    schema = {"response_format": {"type": "json_schema"}, "tools": [{}]}
    needs = requirements(ChatRequest(({"role": "user", "content": [image]},), schema))
    assert (needs.tools, needs.vision, needs.json_schema) == (True, True, True)
    assert needs.context_tokens < 10
    assert requirements(ChatRequest((), {"response_format": {"type": "json_object"}})) == Requirements()
