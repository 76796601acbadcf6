"""Collecting: everything is asked once, failures are outcomes, the cap holds, a kill loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from penstock.candidates import Candidate, Pool
from penstock.collection.collect import Progress, collect
from penstock.errors import AuthenticationFailed, CostCapReached, InputError, ProviderUnavailable
from penstock.outcomes.journal import Journal
from penstock.pricing import Price
from penstock.providers.base import ChatRequest
from penstock.providers.scripted import Reply, ScriptedProvider
from penstock.types import Query, Status, Usage

QUERIES = [Query.from_prompt(f"q{i}", f"question {i}") for i in range(5)]
PRICE = Price.of(1, 1)


def pool(*names: str, **fields: object) -> Pool:
    return Pool(tuple(Candidate(name, "scripted", name, price=PRICE, **fields) for name in names))  # type: ignore[arg-type]


def scripted(candidates: Pool, script: object = "ok", **options: float) -> dict[str, ScriptedProvider]:
    return {c.name: ScriptedProvider(c, script, **options) for c in candidates}  # type: ignore[arg-type]


async def test_everything_is_asked_once_with_its_own_seed(tmp_path: Path) -> None:
    both = pool("a", "b")
    providers = scripted(both)
    seen: list[Progress] = []
    with Journal(tmp_path / "j") as journal:
        done = await collect(QUERIES, both, providers, journal, samples=3, progress=seen.append)
        assert len(journal.entries) == 30
    assert (done.total, done.done, done.failed, done.reused) == (30, 30, 0, 0)
    assert seen[0].done == 0
    assert seen[-1] == done
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    seeds = [call.params["seed"] for provider in providers.values() for call in provider.calls]
    assert len(set(seeds)) == 30
    assert all(0 <= seed < 2**31 for seed in seeds)
    texts = Counter(call.messages[0]["content"] for call in providers["a"].calls)
    assert texts == {f"question {i}": 3 for i in range(5)}


async def test_what_is_journaled_is_not_asked_again(tmp_path: Path) -> None:
    one, both = pool("a"), pool("a", "b")
    first, second = scripted(one), scripted(both)
    with Journal(tmp_path / "j") as journal:
        await collect(QUERIES[:3], one, first, journal)
    with Journal(tmp_path / "j") as journal:
        done = await collect(QUERIES, both, second, journal)
    assert done.reused == 3
    assert sorted(c.messages[0]["content"] for c in second["a"].calls) == ["question 3", "question 4"]
    assert len(second["b"].calls) == 5


async def test_other_settings_or_words_are_asked_again_but_other_prices_are_not(tmp_path: Path) -> None:
    def one(**fields: object) -> Pool:
        base = {"price": PRICE, "options": {"timeout_s": 3}}
        return Pool((Candidate("a", "scripted", "m", **(base | fields)),))  # type: ignore[arg-type]

    changes = [
        ({"price": Price.of(9, 9)}, 0),
        ({"options": {"timeout_s": 9}}, 0),
        ({"params": {"temperature": 1}}, 1),
    ]
    changes += [({"system": "be brief"}, 1), ({"options": {"base_url": "x"}}, 1)]
    with Journal(tmp_path / "j") as journal:
        await collect(QUERIES[:1], one(), scripted(one()), journal)
        for fields, asked in changes:
            providers = scripted(one(**fields))
            await collect(QUERIES[:1], one(**fields), providers, journal)
            assert len(providers["a"].calls) == asked
        providers = scripted(one())
        await collect([Query.from_prompt("q0", "other words")], one(), providers, journal)
        assert len(providers["a"].calls) == 1


async def test_never_more_than_concurrency_at_once(tmp_path: Path) -> None:
    now = peak = 0

    async def count(_: ChatRequest) -> str:
        nonlocal now, peak
        now += 1
        peak = max(peak, now)
        await asyncio.sleep(0.002)
        now -= 1
        return "ok"

    both = pool("a", "b")
    with Journal(tmp_path / "j") as journal:
        await collect(QUERIES, both, scripted(both, count), journal, concurrency=3)
    assert peak == 3


async def test_failures_are_outcomes_and_retried_only_on_request(tmp_path: Path) -> None:
    one = pool("a")
    with Journal(tmp_path / "j") as journal:
        down = scripted(one, ProviderUnavailable("down"))
        done = await collect(QUERIES, one, down, journal)
        assert (done.done, done.failed, done.spent_usd) == (5, 5, 0)
        answer = next(iter(journal.entries.values())).answer
        assert (answer.status, answer.cost_usd, answer.error) == (
            Status.FAILED,
            0.0,
            "ProviderUnavailable: down",
        )
        up = scripted(one)
        assert (await collect(QUERIES, one, up, journal)).failed == 5
        assert up["a"].calls == []
        done = await collect(QUERIES, one, up, journal, retry_failed=True)
        assert (done.done, done.failed, done.reused) == (5, 0, 0)
        assert {e.answer.status for e in journal.entries.values()} == {Status.ANSWERED}


async def test_a_refusal_is_paid_for(tmp_path: Path) -> None:
    one = pool("a")
    said = Reply(None, refusal="I will not", usage=Usage(10, 4))
    with Journal(tmp_path / "j") as journal:
        done = await collect(QUERIES[:1], one, scripted(one, said), journal)
        assert next(iter(journal.entries.values())).answer.status is Status.REFUSED
    assert done.spent_usd == Decimal("0.000014")


async def test_a_refused_key_stops_everything(tmp_path: Path) -> None:
    one = pool("a")
    providers = scripted(one, ["ok", "ok", AuthenticationFailed("bad key")])
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(AuthenticationFailed):
            await collect(QUERIES, one, providers, journal, concurrency=1)
        assert len(journal.entries) == 2
    assert len(providers["a"].calls) == 3


async def test_an_error_that_is_no_answer_stops_the_run_and_is_raised_plainly(tmp_path: Path) -> None:
    one = pool("a")
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(InputError, match="table is gone"):
            await collect(QUERIES, one, scripted(one, ["ok", InputError("table is gone")]), journal)
        assert len(journal.entries) == 1


async def test_a_full_disk_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = pool("a")
    with Journal(tmp_path / "j") as journal:
        await collect(QUERIES[:2], one, scripted(one), journal)

        def full(_: int) -> None:
            raise OSError("disk full")

        monkeypatch.setattr("penstock.outcomes.journal.os.fsync", full)
        with pytest.raises(InputError, match=r"cannot be written \(disk full\)"):
            await collect(QUERIES, one, scripted(one), journal)
        assert len(journal.entries) == 2
        assert (tmp_path / "j").read_bytes().count(b"\n") == 2


async def test_a_defect_is_not_swallowed_and_loses_nothing(tmp_path: Path) -> None:
    one = pool("a")
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(ExceptionGroup, match="TaskGroup") as caught:
            await collect(QUERIES, one, scripted(one, ["ok", ValueError("bug")]), journal, concurrency=1)
        assert caught.group_contains(ValueError, match="bug")
        assert len(journal.entries) == 1


# Money


@pytest.mark.parametrize("concurrency", [1, 4, 32])
async def test_the_cap_is_never_passed_and_everything_is_kept(concurrency: int, tmp_path: Path) -> None:
    one = pool("a", params={"max_tokens": 100})
    spent_by_call = Decimal("0.00009")  # 90 tokens at one dollar per million
    providers = scripted(one, Reply("x", usage=Usage(10, 80)), delay_s=0.001)
    queries = [Query.from_prompt(f"q{i}", "p") for i in range(40)]
    cap = Decimal("0.001")
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(CostCapReached, match="kept"):
            await collect(queries, one, providers, journal, concurrency=concurrency, cost_cap=cap)
        asked = len(providers["a"].calls)
        assert len(journal.entries) == asked
        assert journal.spent_usd == asked * spent_by_call <= cap
        # Worst case of one call: 33 + 100 tokens; so not even one more would have been safe.
        assert journal.spent_usd + Decimal("0.000133") > cap
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(CostCapReached):
            await collect(queries, one, providers, journal, cost_cap=cap)
        assert len(providers["a"].calls) == asked
        done = await collect(queries, one, providers, journal, cost_cap=1.0)
        assert done.done == 40
        assert len(providers["a"].calls) == 40


async def test_without_a_token_limit_the_dearest_call_so_far_is_the_worst_case(tmp_path: Path) -> None:
    one = pool("a")
    providers = scripted(one, Reply("x", usage=Usage(0, 1000)))
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(CostCapReached):
            await collect(QUERIES, one, providers, journal, concurrency=1, cost_cap=0.0025)
        assert journal.spent_usd == Decimal("0.002")


async def test_a_cap_needs_prices(tmp_path: Path) -> None:
    unpriced = Pool((Candidate("a", "scripted", "m"),))
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(InputError, match="'a' has no price"):
            await collect(QUERIES, unpriced, scripted(unpriced), journal, cost_cap=1.0)
        assert (await collect(QUERIES, unpriced, scripted(unpriced), journal)).done == 5


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"samples": 0}, "--samples"),
        ({"concurrency": 0}, "--concurrency"),
        ({"cost_cap": -1.0}, "--cost-cap"),
    ],
)
async def test_settings_out_of_range(settings: dict[str, float], told: str, tmp_path: Path) -> None:
    one = pool("a")
    with Journal(tmp_path / "j") as journal, pytest.raises(InputError, match=told):
        await collect(QUERIES, one, scripted(one), journal, **settings)  # type: ignore[arg-type]


async def test_queries_that_cannot_be_asked(tmp_path: Path) -> None:
    one = pool("a")
    with Journal(tmp_path / "j") as journal:
        for queries, told in (([Query("q")], "'q' has no prompt"), ([QUERIES[0]] * 2, "same id")):
            with pytest.raises(InputError, match=told):
                await collect(queries, one, scripted(one), journal)


# Kills

CHILD = """
import asyncio, os, sys
from pathlib import Path
from penstock.candidates import Candidate, Pool
from penstock.collection.collect import collect
from penstock.outcomes.journal import Journal
from penstock.providers.scripted import ScriptedProvider
from penstock.types import Query

folder = Path(sys.argv[1])
calls = os.open(folder / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
pool = Pool((Candidate("a", "scripted", "a"), Candidate("b", "scripted", "b")))
queries = [Query.from_prompt(f"q{i}", f"question {i}") for i in range(60)]

def provider(candidate):
    async def say(request):
        line = f"{candidate.name} {request.messages[0]['content']}\\n".encode()
        os.write(calls, line)
        await asyncio.sleep(0.01)
        return line.decode()
    return ScriptedProvider(candidate, say)

async def main():
    with Journal(folder / "journal.jsonl") as journal:
        await collect(queries, pool, {c.name: provider(c) for c in pool}, journal, concurrency=4)
        assert len(journal.entries) == 120

asyncio.run(main())
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(folder)])


def test_killed_and_resumed_nothing_is_lost_and_nothing_journaled_is_asked_twice(tmp_path: Path) -> None:
    journal, calls = tmp_path / "journal.jsonl", tmp_path / "calls"
    lost = 0
    for wanted in (15, 50):
        child = start(tmp_path)
        deadline = time.monotonic() + 30
        while not journal.exists() or journal.read_bytes().count(b"\n") < wanted:
            assert child.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
        kept = journal.read_bytes()
        lost = len(calls.read_text().splitlines()) - kept.count(b"\n")
    done = start(tmp_path)
    assert done.wait(60) == 0
    assert journal.read_bytes().startswith(kept[: kept.rindex(b"\n") + 1])
    asked = Counter(calls.read_text().splitlines())
    assert len(asked) == 120
    again = sum(count - 1 for count in asked.values())
    assert again == lost  # exactly what was in the air at a kill was asked again
    assert again <= 2 * 4
    with Journal(journal) as resumed:
        texts = {e.answer.text.strip() for e in resumed.entries.values()}
    assert texts == set(asked)
    assert len(journal.read_bytes().splitlines()) == 120


async def test_cancelled_while_writing_keeps_the_file_whole(tmp_path: Path) -> None:
    one = pool("a")
    with Journal(tmp_path / "j") as journal:
        task = asyncio.create_task(
            collect(QUERIES, one, scripted(one, delay_s=0.002), journal, concurrency=2)
        )
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with Journal(tmp_path / "j") as journal:
        providers = scripted(one)
        kept = len(journal.entries)
        await collect(QUERIES, one, providers, journal)
        assert len(providers["a"].calls) == 5 - kept
