"""A candidate at a confidence: asked with the instruction, cut off where it refuses."""

from __future__ import annotations

import pytest

from penstock.candidates import REFUSAL, Candidate, Confidence
from penstock.errors import PoolError
from penstock.pricing import Price
from penstock.providers.base import ChatRequest, Provider
from penstock.providers.make import make_provider
from penstock.providers.scripted import Reply, Script, ScriptedProvider
from penstock.providers.wrappers.refusal import RefusingProvider
from penstock.testing.providers import ProviderContract, gathered
from penstock.types import Status, Usage

PRICE = Price.of(1, 2)
REQUEST = ChatRequest(({"role": "user", "content": "What is 2 + 2?"},), {"seed": 0})
LONG = REFUSAL + " Because this is really far beyond what I know, " + "and so on " * 100


def refusing(script: Script, *, chunk_delay_s: float = 0.0, within: int = 10) -> RefusingProvider:
    candidate = Candidate("a", "scripted", "m", price=PRICE, confidence=Confidence(0.7, within=within))
    return RefusingProvider(candidate, ScriptedProvider(candidate, script, chunk_delay_s=chunk_delay_s))


def inner(provider: RefusingProvider) -> ScriptedProvider:
    assert isinstance(provider.inner, ScriptedProvider)
    return provider.inner


class TestContract(ProviderContract):
    @pytest.fixture
    def provider(self) -> Provider:
        return refusing("Four, I should think, or so.")


async def test_the_instruction_follows_the_last_user_message() -> None:
    provider = refusing("4")
    turns = (
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "What is 2 + 2?"},
    )
    await provider.complete(ChatRequest(turns))
    (sent,) = inner(provider).calls
    assert sent.messages[:2] == turns[:2]
    assert sent.messages[2]["content"] == (
        "What is 2 + 2?\n\nAnswer only if your confidence of being correct is at least 0.7; "
        "otherwise reply exactly: Sorry, I can't answer that."
    )


async def test_messages_in_parts_get_one_more_part() -> None:
    provider = refusing("4")
    await provider.complete(ChatRequest(({"role": "user", "content": [{"type": "text", "text": "Hm?"}]},)))
    parts = inner(provider).calls[0].messages[0]["content"]
    assert [part["text"][:6] for part in parts] == ["Hm?", "Answer"]


@pytest.mark.parametrize("said", [REFUSAL, "sorry , i can't answer that .", "Sorry, I can’t answer that"])
async def test_a_refusal_is_a_status(said: str) -> None:
    completion = await refusing(said).complete(REQUEST)
    assert completion.answer.status is Status.REFUSED
    message = completion.body["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, said)


async def test_an_answer_is_left_as_it_is() -> None:
    reply = Reply("Sorry, I think it is 4.", usage=Usage(9, 6), logprobs=(-0.1, -0.2))
    completion = await refusing(reply).complete(REQUEST)
    assert completion.answer.status is Status.ANSWERED
    assert completion.answer.text == "Sorry, I think it is 4."
    assert (completion.answer.usage, completion.answer.cost_usd) == (Usage(9, 6), 21e-6)
    assert completion.answer.logprobs == (-0.1, -0.2)


async def test_a_refusal_that_talks_on_is_cut_off_and_only_what_was_decoded_is_paid() -> None:
    provider = refusing(LONG, chunk_delay_s=0.001)
    completion = await provider.complete(REQUEST)
    assert completion.answer.status is Status.REFUSED
    assert inner(provider).cancelled == 1
    assert 0 < completion.answer.usage.output_tokens <= 6  # chunks of 24 characters each
    assert completion.answer.cost_usd is not None
    bodies, answer = await gathered(provider.stream(REQUEST))
    assert answer.status is Status.REFUSED
    assert not any(choice["delta"].get("content") for body in bodies for choice in body["choices"])


async def test_a_refusal_said_later_than_its_first_tokens_is_an_answer() -> None:
    provider = refusing("Sorry, I can't " + "really truly " * 20 + "answer that.", within=1)
    assert (await provider.complete(REQUEST)).answer.status is Status.ANSWERED
    late = refusing("Let me see. " * 10 + REFUSAL)
    assert (await late.complete(REQUEST)).answer.status is Status.ANSWERED


async def test_what_may_become_a_refusal_is_held_back_and_then_given_whole() -> None:
    said = "Sorry, I can't say much, but it is 4, as far as I can see."
    bodies, answer = await gathered(refusing(said).stream(REQUEST))
    told = "".join(c["delta"].get("content") or "" for body in bodies for c in body["choices"])
    assert (told, answer.status) == (said, Status.ANSWERED)


async def test_a_request_with_tools_is_not_streamed_inside() -> None:
    provider = refusing(Reply(None, tool_calls=({"id": "1", "type": "function", "function": {}},)))
    completion = await provider.complete(ChatRequest(REQUEST.messages, {"tools": [{}]}))
    assert completion.body["choices"][0]["message"]["tool_calls"]
    refused = await refusing(REFUSAL).complete(ChatRequest(REQUEST.messages, {"tools": [{}]}))
    assert refused.answer.status is Status.REFUSED


def test_the_registry_puts_it_in_front() -> None:
    made = make_provider(Candidate("a", "scripted", "m", confidence=Confidence(0.5)))
    assert isinstance(made, RefusingProvider)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": 0.5, "refusal": " ."}, "refusal"),
        ({"threshold": 0.5, "instruction": "Be sure."}, "instruction"),
        ({"threshold": 0.5, "within": 0}, "within"),
    ],
)
def test_a_confidence_that_means_nothing_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(PoolError, match=said):
        Confidence(**settings)  # type: ignore[arg-type]


def test_a_confidence_without_a_threshold_is_for_ranged_votes_alone() -> None:
    with pytest.raises(PoolError, match="threshold"):
        Candidate("a", "scripted", "m", confidence=Confidence())
