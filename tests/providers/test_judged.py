"""A candidate whose answers another model rates."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from penstock.candidates import Candidate, Pool, Requirements, Vote, is_eligible
from penstock.cli.pool import called
from penstock.collection.collect import collect
from penstock.collection.fingerprint import outcome_key
from penstock.collection.spending import Spending
from penstock.config.pool_file import load_pool
from penstock.errors import AuthenticationFailed, PoolError, ProviderUnavailable
from penstock.outcomes.journal import Journal
from penstock.pricing import Price
from penstock.providers.base import ChatRequest, Provider
from penstock.providers.make import make_provider
from penstock.providers.scripted import Reply, Script, ScriptedProvider
from penstock.providers.wrappers.judge import JudgedProvider
from penstock.testing.providers import FailingProviderContract, ProviderContract
from penstock.types import Query, Status, Usage

REQUEST = ChatRequest(({"role": "user", "content": "What is 2 + 2?"},), {"seed": 5})
PRICE, DEAR = Price.of(1, 2), Price.of(10, 20)
JUDGE = Candidate("judge", "scripted", "big", price=DEAR)
CANDIDATE = Candidate("a", "scripted", "m", price=PRICE, judge=JUDGE)
RATING = Reply("It is right. Rating: [[10]]", Usage(100, 10))


def judged(said: Script = "4", rating: Script = RATING) -> JudgedProvider:
    return JudgedProvider(CANDIDATE, ScriptedProvider(CANDIDATE, said), ScriptedProvider(JUDGE, rating))


class TestJudged(ProviderContract, FailingProviderContract):
    @pytest.fixture
    def provider(self) -> Provider:
        return judged()

    @pytest.fixture
    def failing(self) -> Provider:
        return judged(ProviderUnavailable("down", candidate="a"))


@pytest.mark.parametrize(("said", "confidence"), [("[[1]]", 0.0), ("[[10]]", 1.0), ("[[4]]", 1 / 3)])
async def test_the_rating_is_the_confidence(said: str, confidence: float) -> None:
    answer = (await judged(rating=said).complete(REQUEST)).answer
    assert (answer.text, answer.candidate, answer.status) == ("4", "a", Status.ANSWERED)
    assert answer.confidence == pytest.approx(confidence)


async def test_both_calls_are_paid() -> None:
    answer = (await judged(Reply("4", Usage(1000, 500))).complete(REQUEST)).answer
    assert answer.usage == Usage(1000, 500)
    assert answer.cost_usd == pytest.approx((1000 * 1 + 500 * 2 + 100 * 10 + 10 * 20) / 1e6)


async def test_the_judge_sees_the_question_and_the_answer() -> None:
    provider = judged("it is 4")
    await provider.complete(REQUEST)
    assert isinstance(provider.judge, ScriptedProvider)
    asked = provider.judge.calls[0]
    assert "What is 2 + 2?" in asked.messages[-1]["content"]
    assert "it is 4" in asked.messages[-1]["content"]
    assert asked.params == {"temperature": 0}


@pytest.mark.parametrize("rating", ["no idea", "[[11]]", ProviderUnavailable("down", candidate="judge")])
async def test_an_answer_without_a_rating_is_still_an_answer(rating: Script) -> None:
    answer = (await judged(rating=rating).complete(REQUEST)).answer
    assert (answer.text, answer.confidence) == ("4", None)


async def test_a_refused_key_of_the_judge_is_told() -> None:
    with pytest.raises(AuthenticationFailed):
        await judged(rating=AuthenticationFailed("no", candidate="judge")).complete(REQUEST)


async def test_a_refusal_is_not_rated() -> None:
    provider = judged(Reply(None, refusal="I will not."))
    answer = (await provider.complete(REQUEST)).answer
    assert (answer.status, answer.confidence) == (Status.REFUSED, None)
    assert isinstance(provider.judge, ScriptedProvider)
    assert not provider.judge.calls


def test_what_can_be_judged_by_whom() -> None:
    with pytest.raises(PoolError, match="confidence of its own"):
        Candidate("a", "scripted", "m", vote=Vote(3), judge=JUDGE)
    for other in (CANDIDATE, Candidate("v", "scripted", "m", vote=Vote(3))):
        with pytest.raises(PoolError, match="simply answers"):
            Candidate("b", "scripted", "m", judge=other)
    assert not is_eligible(CANDIDATE, Requirements(tools=True))
    assert called(CANDIDATE) == "rated by judge"


def test_another_judge_is_another_outcome() -> None:
    query = Query.from_prompt("q", "2 + 2?")
    keys = [
        outcome_key(query, Candidate("a", "scripted", "m", judge=judge), 0)
        for judge in (None, JUDGE, Candidate("judge", "scripted", "small"))
    ]
    assert len(set(keys)) == 3


def test_the_judge_counts_in_what_a_call_may_cost() -> None:
    messages = ({"role": "user", "content": "What is 2 + 2?"},)
    spending = Spending(None, Decimal(0))
    plain = Candidate("a", "scripted", "m", price=PRICE, params={"max_tokens": 100})
    rated = Candidate("a", "scripted", "m", price=PRICE, params={"max_tokens": 100}, judge=JUDGE)
    # at least the answer and the question read once more at the judge's price
    more = spending.worst_case(rated, messages) - spending.worst_case(plain, messages)
    least = Decimal(100 * 8 + 14) * DEAR.input / 1_000_000
    assert more > least
    unpriced = Candidate("a", "scripted", "m", params={"max_tokens": 100}, judge=JUDGE)
    assert spending.worst_case(unpriced, messages) > least


POOL = """
candidates:
  - {name: big, provider: scripted, model: big, replies: 'Rating: [[7]]', price: {input: 10, output: 20}}
  - name: checked
    provider: scripted
    model: small
    replies: '4'
    price: {input: 1, output: 2}
    judge: big
"""


async def test_a_pool_file_names_the_judge(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(POOL, encoding="utf-8")
    pool = load_pool(path)
    assert pool["checked"].judge == pool["big"]
    provider = make_provider(pool["checked"])
    assert isinstance(provider, JudgedProvider)
    answer = (await provider.complete(REQUEST)).answer
    assert answer.confidence == pytest.approx(2 / 3)


async def test_a_table_keeps_the_rating_and_the_cost_of_both(tmp_path: Path) -> None:
    pool = Pool((CANDIDATE,))
    queries = [Query.from_prompt("q", "What is 2 + 2?", reference="4")]
    with Journal(tmp_path / "j") as journal:
        done = await collect(queries, pool, {"a": judged(Reply("4", Usage(1000, 500)))}, journal)
        (entry,) = journal.entries.values()
    assert done.failed == 0
    assert entry.answer.confidence == 1.0
    assert entry.answer.cost_usd == pytest.approx((1000 * 1 + 500 * 2 + 100 * 10 + 10 * 20) / 1e6)
    assert float(journal.spent_usd) == pytest.approx(entry.answer.cost_usd)


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        ("judge: big", "judge: bigg", "Did you mean 'big'"),
        ("judge: big", "judge: checked", "another candidate"),
        ("model: big,", "model: big, judge: checked,", "is itself judged"),
        ("model: big,", "model: big, vote: 3,", "simply answers"),
    ],
)
def test_one_clear_error_names_the_field(tmp_path: Path, replaced: str, by: str, said: str) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(POOL.replace(replaced, by), encoding="utf-8")
    with pytest.raises(PoolError) as caught:
        load_pool(path)
    assert said in f"{caught.value} {caught.value.hint}"
    assert "judge" in str(caught.value)
