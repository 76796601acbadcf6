"""SATER behind the gateway: refusals and unsure votes go on, and the caller sees one answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.candidates import REFUSAL, Candidate, Confidence, Vote
from penstock.config.pool_file import load_pool
from penstock.config.stated_policy import static_router
from penstock.errors import PoolError
from penstock.policies.refusal import RefusalCascade
from penstock.policies.vote import VoteCascade
from penstock.pricing import Price
from penstock.providers.base import ChatRequest, Provider
from penstock.providers.scripted import Script, ScriptedProvider
from penstock.providers.wrappers.judge import JudgedProvider
from penstock.providers.wrappers.refusal import RefusingProvider
from penstock.providers.wrappers.vote import VotingProvider
from penstock.router.static import StaticRouter
from penstock.types import Status

from .conftest import NAMES, Start

PRICE = Price.of(1, 2)
LARGE = Candidate("large", "scripted", "m", PRICE)
ON_REFUSAL = StaticRouter(NAMES, RefusalCascade((0, 1)))


def refusing(script: Script) -> dict[str, Provider]:
    small = Candidate("small", "scripted", "m", PRICE, confidence=Confidence(0.7))
    return {"small": RefusingProvider(small, ScriptedProvider(small, script)), "large": large()}


def voting(script: Script, **vote: Any) -> dict[str, Provider]:
    small = Candidate("small", "scripted", "m", PRICE, vote=Vote(**vote))
    return {"small": VotingProvider(small, ScriptedProvider(small, script)), "large": large()}


def large() -> Provider:
    return ScriptedProvider(LARGE, "large: 4")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_goes_to_the_large_model(start: Start, hello: Any, stream: bool) -> None:
    running = start(router=ON_REFUSAL, providers=refusing(REFUSAL + " It is too hard." * 40))
    assert told(running.client(), hello, stream) == "large: 4"
    decision = await running.last()
    assert [(run.candidate, run.status) for run in decision.runs] == [
        ("small", Status.REFUSED),
        ("large", Status.ANSWERED),
    ]
    assert decision.runs[0].quality == 0.0
    assert decision.runs[0].output_tokens is not None
    assert decision.runs[0].output_tokens < 10
    assert decision.accepted == "large"
    assert decision.target is None


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_of_the_small_model_stays(start: Start, hello: Any, stream: bool) -> None:
    running = start(router=ON_REFUSAL, providers=refusing("small: 4"))
    assert told(running.client(), hello, stream) == "small: 4"
    assert [run.candidate for run in (await running.last()).runs] == ["small"]


@pytest.mark.parametrize(("accept", "wanted"), [(0.6, "4"), (0.9, "large: 4")])
async def test_a_vote_below_its_share_goes_on(start: Start, hello: Any, accept: float, wanted: str) -> None:
    router = StaticRouter(NAMES, VoteCascade((0, 1), (accept,)))
    running = start(router=router, providers=voting(["4", "5", "4", "4"], samples=4))
    assert told(running.client(), hello, False) == wanted
    assert (await running.last()).runs[0].quality == 0.75


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("rating", "wanted"), [("[[9]]", "small: 4"), ("[[3]]", "large: 4"), ("I cannot say.", "large: 4")]
)
async def test_a_poor_rating_goes_on(
    start: Start, hello: Any, rating: str, wanted: str, stream: bool
) -> None:
    judge = Candidate("large", "scripted", "m", PRICE)
    small = Candidate("small", "scripted", "m", PRICE, judge=judge)
    rated = JudgedProvider(small, ScriptedProvider(small, "small: 4"), ScriptedProvider(judge, rating))
    router = StaticRouter(NAMES, VoteCascade((0, 1), (0.6,)))
    running = start(router=router, providers={"small": rated, "large": large()})
    assert told(running.client(), hello, stream) == wanted
    decision = await running.last()
    assert decision.accepted == wanted.partition(":")[0]
    first = decision.runs[0].cost_usd
    assert first is not None
    plain = ScriptedProvider(small, "small: 4")
    alone = (await plain.complete(ChatRequest(tuple(hello)))).answer.cost_usd
    assert alone is not None
    assert first > alone, "the judge is paid too"


async def test_a_vote_that_decides_for_itself_is_stopped_and_refuses(start: Start, hello: Any) -> None:
    running = start(router=ON_REFUSAL, providers=voting(["4", "5", "6", "4"], samples=4, accept=0.75))
    assert told(running.client(), hello, True) == "large: 4"
    assert (await running.last()).runs[0].status is Status.REFUSED


def test_a_target_needs_a_fit(start: Start, hello: Any) -> None:
    client = start(router=ON_REFUSAL, providers=refusing("small: 4")).client()
    with pytest.raises(Exception, match="without a fit"):
        client.chat.completions.create(model="auto:budget=0.1", messages=hello)


POOL = """
candidates:
  - {name: s, provider: embedded, model: small, confidence: [0.3, 0.7]}
  - {name: l, provider: embedded, model: large}
"""


def test_a_pool_file_states_its_policy(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(POOL)
    assert static_router(path, load_pool(path)) is None
    path.write_text(POOL + "policy: {refusal: [s at 0.7, l]}")
    router = static_router(path, load_pool(path))
    assert router == StaticRouter(("s at 0.3", "s at 0.7", "l"), RefusalCascade((1, 2)))
    path.write_text(POOL + "policy: {vote: [s at 0.3, l], accept: [0.6]}")
    router = static_router(path, load_pool(path))
    assert router == StaticRouter(("s at 0.3", "s at 0.7", "l"), VoteCascade((0, 2), (0.6,)))


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("{refusal: [s at 0.5, l]}", "no candidate is called"),
        ("{}", "either refusal or vote"),
        ("{refusal: [l], vote: [l]}", "either refusal or vote"),
        ("{vote: [s at 0.3, l]}", "one threshold fewer"),
        ("{refusal: [s at 0.3, l], accept: [0.5]}", "go with vote"),
        ("{refuse: [l]}", "refusal"),
        ("{vote: [s at 0.3, s at 0.3], accept: [0.5]}", "once"),
    ],
)
def test_policies_that_mean_nothing(tmp_path: Path, policy: str, said: str) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(POOL + f"policy: {policy}")
    with pytest.raises(PoolError, match=said) as caught:
        static_router(path, load_pool(path))
    assert str(path) in str(caught.value)


def test_the_pool_file_of_the_page_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "voting.md").read_text(encoding="utf-8")
    path = tmp_path / "penstock.yaml"
    path.write_text(page.split("```yaml\n")[1].split("```")[0])
    pool = load_pool(path)
    assert pool.names == ("small when sure", "small x10", "large")
    assert static_router(path, pool) == StaticRouter(pool.names, RefusalCascade((1, 2)))


def told(client: Any, messages: Any, stream: bool) -> str:
    if not stream:
        return str(client.chat.completions.create(model="auto", messages=messages).choices[0].message.content)
    chunks = client.chat.completions.create(model="auto", messages=messages, stream=True)
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
