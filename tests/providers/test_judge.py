"""A judge through a scripted provider: what is read, what is a status, what it costs."""

from __future__ import annotations

import pytest

from penstock.candidates import Candidate
from penstock.errors import AuthenticationFailed, InputError, ProviderUnavailable
from penstock.pricing import Price
from penstock.providers.base import ChatRequest
from penstock.providers.judge_client import Judge, JudgeStatus, all_of, read_rating, read_verdict
from penstock.providers.scripted import Reply, Said, Script, ScriptedProvider
from penstock.types import Usage, message_text

PRICED = Candidate("judge", "scripted", "judge", price=Price.of(1.0, 10.0))
USAGE = Usage(100, 20)
CALL_USD = (100 * 1.0 + 20 * 10.0) / 1e6


def judge(script: Script, candidate: Candidate = PRICED) -> tuple[Judge, ScriptedProvider]:
    provider = ScriptedProvider(candidate, script)
    return Judge(provider), provider


def said(text: str) -> Reply:
    return Reply(text, usage=USAGE)


async def test_a_rating_is_read_priced_and_scaled() -> None:
    asked, provider = judge(said("It is nearly right. Rating: [[7]]"))
    found = await asked.rate("2+2?", "4", reference="four")
    assert (found.status, found.rating) == (JudgeStatus.JUDGED, 7)
    assert found.quality == pytest.approx(6 / 9)
    assert found.cost_usd == pytest.approx(CALL_USD)
    sent = "\n".join(message_text(m) for m in provider.calls[0].messages)
    assert all(part in sent for part in ("2+2?", "<answer>\n4\n</answer>", "four"))
    assert provider.calls[0].params["temperature"] == 0


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("[[1]]", 1),
        ("first [[3]], but on reflection [[ 10 ]]", 10),
        ("7/10", None),
        ("[[11]]", None),
        ("[[0]]", None),
        ("[[6.5]]", None),
        ("", None),
    ],
)
def test_only_an_integer_from_1_to_10_is_a_rating(text: str, rating: int | None) -> None:
    assert read_rating(text) == rating


@pytest.mark.parametrize(
    ("text", "verdict"), [("[[A]]", 1.0), ("not [[A]] but [[B]]", 0.0), ("[[C]]", 0.5), ("A", None)]
)
def test_the_last_bracketed_verdict_counts(text: str, verdict: float | None) -> None:
    assert read_verdict(text) == verdict


async def test_what_cannot_be_read_is_a_status_that_is_paid_for() -> None:
    found = await judge(said("I like it"))[0].rate("q", "a")
    assert (found.status, found.rating, found.quality) == (JudgeStatus.UNPARSABLE, None, None)
    assert found.cost_usd == pytest.approx(CALL_USD)


async def test_a_refusal_and_a_failure_are_statuses() -> None:
    refused = await judge(Reply(None, refusal="no", usage=USAGE))[0].rate("q", "a")
    assert refused.status is JudgeStatus.REFUSED
    failed = await judge(ProviderUnavailable("down"))[0].rate("q", "a")
    assert (failed.status, failed.cost_usd) == (JudgeStatus.FAILED, 0.0)
    assert "down" in failed.text


async def test_a_refused_key_stops_everything() -> None:
    with pytest.raises(AuthenticationFailed):
        await judge(AuthenticationFailed("no"))[0].compare("q", "a", "b")


def prefers(good: str) -> Script:
    """A judge that prefers the answer ``good`` wherever it stands."""

    def decide(request: ChatRequest) -> Said:
        text = message_text(request.messages[-1])
        return said("[[A]]" if f"<answer_a>\n{good}\n" in text else "[[B]]")

    return decide


@pytest.mark.parametrize(("good", "preference"), [("left", 1.0), ("right", 0.0)])
async def test_a_comparison_is_asked_in_both_orders(good: str, preference: float) -> None:
    asked, provider = judge(prefers(good))
    found = await asked.compare("q", "left", "right")
    assert (found.preference, found.consistent) == (preference, True)
    assert found.cost_usd == pytest.approx(2 * CALL_USD)
    assert len(provider.calls) == 2


async def test_a_judge_that_favours_a_position_says_nothing() -> None:
    found = await judge(said("[[A]]"))[0].compare("q", "left", "right")
    assert (found.status, found.preference, found.consistent) == (JudgeStatus.JUDGED, 0.5, False)


async def test_half_a_comparison_is_none() -> None:
    found = await judge([said("[[A]]"), said("hm")])[0].compare("q", "left", "right")
    assert (found.status, found.preference) == (JudgeStatus.UNPARSABLE, None)
    assert found.cost_usd == pytest.approx(2 * CALL_USD)


async def test_without_a_price_the_cost_is_unknown_not_nothing() -> None:
    unpriced = Candidate("judge", "scripted", "judge")
    assert (await judge(said("[[A]]"), unpriced)[0].compare("q", "a", "b")).cost_usd is None


async def test_many_are_asked_at_once_and_come_back_in_order() -> None:
    asked, provider = judge([said(f"[[{i}]]") for i in range(1, 11)])
    seen: list[tuple[int, int]] = []
    found = await all_of(
        [lambda: asked.rate("q", "a")] * 10, concurrency=3, progress=lambda d, n: seen.append((d, n))
    )
    assert sorted(r.rating or 0 for r in found) == list(range(1, 11))
    assert seen[-1] == (10, 10)
    assert len(provider.calls) == 10
    with pytest.raises(InputError):
        await all_of([lambda: asked.rate("q", "a")], concurrency=0)


async def test_many_stop_at_a_refused_key() -> None:
    asked, _ = judge(AuthenticationFailed("no"))
    with pytest.raises(AuthenticationFailed):
        await all_of([lambda: asked.rate("q", "a")] * 4)
