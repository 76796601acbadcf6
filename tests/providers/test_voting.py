"""A candidate that votes: counting, stopping, cancelling, paying."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.candidates import (
    REFUSAL,
    Candidate,
    Confidence,
    Pool,
    Requirements,
    Vote,
    Weighting,
    is_eligible,
)
from penstock.collection.collect import collect
from penstock.collection.fingerprint import outcome_key
from penstock.collection.spending import Spending
from penstock.core.votes import adaptive_stop
from penstock.errors import PoolError, ProviderUnavailable, RequestRejected
from penstock.outcomes.journal import Journal
from penstock.pricing import Price
from penstock.providers.base import ChatRequest, Completion, Provider
from penstock.providers.embedded import EmbeddedProvider
from penstock.providers.make import make_provider
from penstock.providers.scripted import Reply, Said, ScriptedProvider
from penstock.providers.wrappers.vote import VotingProvider
from penstock.testing.providers import FailingProviderContract, ProviderContract
from penstock.types import Query, Status, Usage

PRICE = Price.of(1, 2)
REQUEST = ChatRequest(({"role": "user", "content": "What is 2 + 2?"},), {"seed": 5, "temperature": 0})


def voting(
    said: Sequence[Said] | Said, *, delays: Sequence[float] | None = None, **vote: Any
) -> VotingProvider:
    """Sample k says ``said[k]`` after ``delays[k]`` seconds."""
    weights, threshold = vote.get("weights"), vote.pop("threshold", None)
    confidence = Confidence(threshold) if weights in ("fcv", "rcv") else None
    candidate = Candidate("a", "scripted", "m", price=PRICE, vote=Vote(**vote), confidence=confidence)

    async def reply(request: ChatRequest) -> Said:
        k = request.params["seed"] - 5
        if delays is not None:
            await asyncio.sleep(delays[k])
        return said[k] if isinstance(said, list) else said  # type: ignore[return-value]

    return VotingProvider(candidate, ScriptedProvider(candidate, reply))


def scripted(provider: VotingProvider) -> ScriptedProvider:
    assert isinstance(provider.inner, ScriptedProvider)
    return provider.inner


async def voted(provider: VotingProvider) -> Completion:
    return await provider.complete(REQUEST)


class TestContract(ProviderContract, FailingProviderContract):
    @pytest.fixture
    def provider(self) -> Provider:
        candidate = Candidate("a", "scripted", "m", price=PRICE, vote=Vote(3))
        return VotingProvider(candidate, ScriptedProvider(candidate, "Four, I should think, or so."))

    @pytest.fixture
    def failing(self) -> Provider:
        candidate = Candidate("a", "scripted", "m", vote=Vote(3))
        error = ProviderUnavailable("down", candidate="a")
        return VotingProvider(candidate, ScriptedProvider(candidate, error))


async def test_the_first_sample_with_the_winning_answer_is_returned_and_all_are_paid() -> None:
    said = [Reply(t, usage=Usage(10, n)) for t, n in (("It is 5", 3), ("so 4", 5), ("4.0, surely", 7))]
    completion = await voted(voting(said, samples=3, answer="numeric"))
    answer = completion.answer
    assert (answer.text, answer.extracted, answer.status) == ("so 4", "4", Status.ANSWERED)
    assert answer.confidence == pytest.approx(2 / 3)
    assert answer.usage == Usage(30, 15)
    assert answer.cost_usd == pytest.approx(60e-6)
    assert completion.body["choices"][0]["message"]["content"] == "so 4"
    assert completion.body["usage"]["completion_tokens"] == 15


async def test_a_repeated_prompt_may_be_billed_as_cached() -> None:
    said = [Reply("4", usage=Usage(10, 1))] * 3
    candidate = Candidate(
        "a", "scripted", "m", price=Price.of(1, 2, cached_input=0), vote=Vote(3, repeats_cached=True)
    )
    answer = (await VotingProvider(candidate, ScriptedProvider(candidate, said)).complete(REQUEST)).answer
    assert answer.usage == Usage(30, 3, 20)
    assert answer.cost_usd == pytest.approx(16e-6)


async def test_samples_are_drawn_not_repeated() -> None:
    provider = voting("4", samples=3, temperature=0.8)
    await voted(provider)
    calls = scripted(provider).calls
    assert sorted(call.params["seed"] for call in calls) == [5, 6, 7]
    assert {call.params["temperature"] for call in calls} == {0.8}


async def test_a_decided_vote_cancels_the_rest() -> None:
    provider = voting(["4", "4", "4", "5"], samples=4, accept=0.5, delays=[0.0, 0.01, 0.02, 5.0])
    completion = await asyncio.wait_for(voted(provider), 2.0)
    assert (completion.answer.text, completion.answer.confidence) == ("4", 1.0)
    assert scripted(provider).cancelled == 1
    assert completion.answer.usage == Usage(20, 3)  # five words asked four times; the last said nothing yet


async def test_without_a_share_to_reach_every_sample_is_counted() -> None:
    completion = await voted(voting(["4", "4", "4", "5", "4"], samples=5))
    assert completion.answer.confidence == pytest.approx(4 / 5)


async def test_a_vote_that_falls_short_is_a_refusal() -> None:
    completion = await voted(voting(["4", "5", "6", "4"], samples=4, accept=0.75))
    assert completion.answer.status is Status.REFUSED
    assert completion.body["choices"][0]["message"]["refusal"] == REFUSAL
    assert completion.answer.usage.output_tokens > 0


async def test_all_refused_is_a_refusal_and_refusals_stay_in_the_denominator() -> None:
    nobody = await voted(voting(REFUSAL, samples=3, weights="fcv", threshold=0.5))
    assert (nobody.answer.status, nobody.answer.confidence) == (Status.REFUSED, 0.0)
    some = await voted(voting([REFUSAL, "4", REFUSAL, "4"], samples=4, weights="fcv", threshold=0.5))
    assert (some.answer.text, some.answer.confidence) == ("4", 0.5)


async def test_a_ranged_vote_asks_each_sample_at_its_own_confidence_and_weighs_it_so() -> None:
    provider = voting(["4", "4", "4", "5", "5"], samples=5, weights="rcv")
    completion = await voted(provider)
    asked = {call.params["seed"] - 5: str(call.messages[-1]["content"]) for call in scripted(provider).calls}
    assert all(f"at least {t}" in asked[k] for k, t in enumerate(("0.2", "0.4", "0.6", "0.8", "1.0")))
    assert (completion.answer.text, completion.answer.confidence) == ("5", pytest.approx(18 / 30))


async def test_samples_weighed_by_their_own_probability() -> None:
    said = [Reply("4", logprobs=(-0.01,)), Reply("5", logprobs=(-2.0,)), Reply("5", logprobs=(-1.5,))]
    provider = voting(said, samples=3, weights="cisc")
    completion = await voted(provider)
    assert (completion.answer.text, completion.answer.confidence) == ("4", pytest.approx(10 / 15))
    assert all(call.params["logprobs"] is True for call in scripted(provider).calls)


async def test_an_adaptive_vote_stops_once_it_is_certain() -> None:
    provider = voting("4", samples=10, certainty=0.95)
    completion = await voted(provider)
    assert len(scripted(provider).calls) == 4
    assert completion.answer.confidence == 1.0
    undecided = voting(["4", "5"] * 3, samples=6, certainty=0.95, accept=0.6)
    assert (await voted(undecided)).answer.status is Status.REFUSED


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["4", "5", REFUSAL]), min_size=8, max_size=8), st.sampled_from([0.7, 0.9, 0.95])
)
def test_live_it_draws_as_many_samples_as_in_a_replay(said: list[str], certainty: float) -> None:
    provider = voting(list(said), samples=8, weights="fcv", threshold=0.5, certainty=certainty)
    asyncio.run(voted(provider))
    known: dict[str, int] = {}
    codes = [-1 if text == REFUSAL else known.setdefault(text, len(known)) for text in said]
    assert len(scripted(provider).calls) == adaptive_stop(np.array([codes]), certainty=certainty)[0]


async def test_a_sample_that_fails_votes_for_nobody() -> None:
    down = ProviderUnavailable("down", candidate="a")
    completion = await voted(voting(["4", down, "4"], samples=3))
    assert (completion.answer.text, completion.answer.confidence) == ("4", pytest.approx(2 / 3))
    with pytest.raises(ProviderUnavailable):
        await voted(voting(down, samples=3))
    with pytest.raises(RequestRejected):
        await voted(voting(["4", RequestRejected("bad"), "4"], samples=3, delays=[5.0, 0.0, 5.0]))


async def test_a_caller_who_leaves_cancels_every_sample() -> None:
    provider = voting("4", samples=3, delays=[9.0, 9.0, 9.0])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(voted(provider), 0.05)
    assert scripted(provider).cancelled == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["4", "5", "6", REFUSAL]), min_size=1, max_size=7),
    st.sampled_from(["fcv", "rcv"]),
    st.integers(1, 10),
    st.randoms(use_true_random=False),
)
def test_stopping_early_decides_as_waiting_does(
    said: list[str], weights: str, tenth: int, random: Any
) -> None:
    """Whatever order samples come in; the full vote is one without a share, held against it afterwards."""
    k, threshold = len(said), 0.5 if weights == "fcv" else None
    delays = [place / 400 for place in random.sample(range(k), k)]
    settings_ = {"samples": k, "weights": weights, "threshold": threshold}
    full = asyncio.run(voted(voting(list(said), **settings_))).answer
    early = asyncio.run(voted(voting(list(said), delays=delays, accept=tenth / 10, **settings_))).answer
    assert full.confidence is not None
    enough = full.status is Status.ANSWERED and round(full.confidence - tenth / 10, 9) >= 0
    assert (early.status is Status.ANSWERED) == enough
    if enough:
        assert early.extracted == full.extracted


async def test_embedded_samples_end_at_their_next_token_and_say_what_they_took() -> None:
    vote = Vote(24, accept=1.0, answer="regex", pattern=r"answer : (\S+)")
    candidate = Candidate("a", "embedded", "tiny", price=PRICE, vote=vote)
    provider = VotingProvider(candidate, EmbeddedProvider(candidate))
    # long answers of many lengths: the first two that differ come long before the last, on a busy machine too
    steps = (
        "start at 7 , forward 3 , double , back 4 , forward 9 , double , back 2 , forward 5 . what number ?"
    )
    question = {"role": "user", "content": steps}
    try:
        stopped = await provider.complete(ChatRequest((question,), {"seed": 1}))
        whole = replace(candidate, vote=replace(vote, accept=None))
        full = await VotingProvider(whole, provider.inner).complete(ChatRequest((question,), {"seed": 1}))
    finally:
        await provider.aclose()
    assert (stopped.answer.status, full.answer.status) == (Status.REFUSED, Status.ANSWERED)
    assert stopped.answer.usage.input_tokens == full.answer.usage.input_tokens
    assert 0 < stopped.answer.usage.output_tokens < full.answer.usage.output_tokens
    assert stopped.answer.cost_usd is not None


async def test_samples_collected_once_may_vote_from_their_table(tmp_path: Any) -> None:
    pl.DataFrame({"query_id": ["q"], "prompt": ["What is 2 + 2?"]}).write_parquet(
        tmp_path / "queries.parquet"
    )
    row = {"query_id": "q", "model": "m", "input_tokens": 8, "output_tokens": 1, "cost_usd": 0.25}
    said = [{**row, "sample_index": i, "response": text} for i, text in enumerate(["4", "5", "4"])]
    pl.DataFrame(said).write_parquet(tmp_path / "outcomes.parquet")
    provider = make_provider(Candidate("a", "recorded", "m", vote=Vote(3), options={"table": str(tmp_path)}))
    answer = (await provider.complete(REQUEST)).answer
    assert (answer.text, answer.confidence, answer.cost_usd) == ("4", pytest.approx(2 / 3), 0.75)


async def test_it_is_collected_like_any_other(tmp_path: Any) -> None:
    candidate = Candidate("small x3", "scripted", "m", price=PRICE, vote=Vote(3))
    provider = make_provider(candidate)
    assert isinstance(provider, VotingProvider)
    query = Query.from_prompt("q", "What is 2 + 2?")
    with Journal(tmp_path / "journal.jsonl") as journal:
        await collect([query], Pool((candidate,)), {"small x3": provider}, journal)
    with Journal(tmp_path / "journal.jsonl") as journal:
        (entry,) = journal.entries.values()
    assert (entry.answer.confidence, entry.answer.candidate) == (1.0, "small x3")


def test_a_journal_knows_how_a_candidate_was_called() -> None:
    query, plain = Query.from_prompt("q", "What is 2 + 2?"), Candidate("a", "scripted", "m")
    called = [
        plain,
        replace(plain, confidence=Confidence(0.5)),
        replace(plain, confidence=Confidence(0.6)),
        replace(plain, vote=Vote(3)),
        replace(plain, vote=Vote(5)),
        replace(plain, vote=Vote(5, accept=0.6)),
    ]
    assert len({outcome_key(query, candidate, 0) for candidate in called}) == len(called)


def test_a_cost_cap_counts_every_sample() -> None:
    plain = Candidate("a", "scripted", "m", price=PRICE, params={"max_tokens": 100})
    spending, messages = Spending(None, Decimal(0)), REQUEST.messages
    once = spending.worst_case(plain, messages)
    assert spending.worst_case(replace(plain, vote=Vote(7)), messages) == 7 * once
    assert spending.worst_case(replace(plain, confidence=Confidence(0.5)), messages) > once


def test_votes_are_for_requests_without_tools() -> None:
    candidate = Candidate("a", "scripted", "m", vote=Vote(3))
    assert not is_eligible(candidate, Requirements(tools=True))
    assert is_eligible(candidate, Requirements())


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"samples": 0}, "samples"),
        ({"weights": "borda"}, "weights"),
        ({"accept": 0.0}, "accept"),
        ({"certainty": 0.4}, "certainty"),
        ({"certainty": 0.9, "weights": "rcv"}, "certainty"),
        ({"answer": "regex"}, "pattern"),
        ({"answer": "rhyme"}, "answer"),
        ({"answer": "numeric", "pattern": "x"}, "pattern"),
    ],
)
def test_a_vote_that_means_nothing_is_refused(settings_: dict[str, Any], said: str) -> None:
    with pytest.raises(PoolError, match=said):
        voting("4", **settings_)


def test_weights_and_confidences_go_together() -> None:
    wrong = (("fcv", None), ("sc", Confidence(0.5)), ("rcv", Confidence(0.5)))
    for weights, confidence in wrong:
        with pytest.raises(PoolError, match=r"confidence|vote"):
            Candidate("a", "scripted", "m", vote=Vote(weights=Weighting(weights)), confidence=confidence)
