"""The contract every decision log keeps: subclass ``DecisionLogContract`` and give its fixture ``log``."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from penstock.errors import InputError
from penstock.storage.base import CandidateRun, Decision, DecisionLog, Ranked
from penstock.types import Status


def decision(number: int = 0) -> Decision:
    """A decision with something in every field."""
    return Decision(
        id=f"dec-{number}",
        time=datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC) + timedelta(seconds=number),
        asked="auto:budget=0.002",
        query_hash="5f" * 16,
        status=Status.ANSWERED,
        target="budget=0.002",
        policy={"kind": "cascade", "chain": [0, 1], "thresholds": [0.5]},
        draw=0.1,
        query_text='Wie groß ist "π"?\n\x00',
        ranking=(Ranked("small", 0.25, 1e-6, True), Ranked("large", None, None, False)),
        runs=(
            CandidateRun("small", Status.FAILED, error="small: no answer in time"),
            CandidateRun("large", Status.ANSWERED, Decimal("0.000123456789012345678"), 0.75, 1.5, 12, 34),
        ),
        accepted="large",
        cost_usd=Decimal("0.000123456789012345678"),
        overhead_ms=1.25,
    )


class DecisionLogContract:
    """What every decision log does."""

    @pytest.fixture
    def log(self) -> DecisionLog:
        """The log under test, empty."""
        raise NotImplementedError("give the log under test as a fixture")

    async def test_it_is_a_log(self, log: DecisionLog) -> None:
        assert isinstance(log, DecisionLog)
        await log.aclose()

    async def test_what_was_written_is_read_exactly(self, log: DecisionLog) -> None:
        await log.append(decision())
        assert await log.get("dec-0") == decision()
        await log.aclose()

    async def test_absent_values_stay_absent(self, log: DecisionLog) -> None:
        bare = Decision("dec", decision().time, "small", "00", Status.FAILED)
        await log.append(bare)
        assert await log.get("dec") == bare
        await log.aclose()

    async def test_money_is_exact(self, log: DecisionLog) -> None:
        amounts = [Decimal("0.1"), Decimal("1e-12"), Decimal("123456789.123456789012345")]
        for number, amount in enumerate(amounts):
            await log.append(replace(decision(number), cost_usd=amount))
        read = [found.cost_usd for n in range(3) if (found := await log.get(f"dec-{n}"))]
        assert read == amounts
        await log.aclose()

    async def test_the_unknown_is_none(self, log: DecisionLog) -> None:
        assert await log.get("nobody") is None
        assert await log.recent() == ()
        await log.aclose()

    async def test_the_latest_come_first(self, log: DecisionLog) -> None:
        for number in range(5):
            await log.append(decision(number))
        assert [d.id for d in await log.recent(3)] == ["dec-4", "dec-3", "dec-2"]
        assert await log.recent(0) == ()
        await log.aclose()

    async def test_an_id_is_taken_once(self, log: DecisionLog) -> None:
        await log.append(decision())
        with pytest.raises(InputError, match="dec-0 is in the log already"):
            await log.append(replace(decision(), asked="other"))
        assert await log.get("dec-0") == decision()
        await log.aclose()

    async def test_many_at_once(self, log: DecisionLog) -> None:
        await asyncio.gather(*(log.append(decision(n)) for n in range(50)))
        assert {d.id for d in await log.recent(100)} == {f"dec-{n}" for n in range(50)}
        await log.aclose()

    async def test_closing_twice_is_fine(self, log: DecisionLog) -> None:
        await log.aclose()
        await log.aclose()
