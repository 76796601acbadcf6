"""Keeps a collection under its cost cap: room for the worst case is taken before a call, the cost settled
after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from penstock.candidates import Candidate
from penstock.errors import CostCapReached
from penstock.pricing import cost_usd
from penstock.types import Message, Usage, message_text

_TOKENS_PER_MESSAGE = 16
"""Generous allowance for what a chat template adds to each message."""

_BYTES_PER_TOKEN, _JUDGE_PROMPT = 8, 1_000
"""Of an answer that a judge reads, and of the judge's own instructions."""


class Spending:
    """USD spent and reserved, against a cap. Without one nothing is ever refused."""

    def __init__(self, cap: Decimal | None, spent: Decimal) -> None:
        self.cap, self.spent = cap, spent
        self._reserved, self._in_flight = Decimal(0), 0
        self._dearest: dict[str, Decimal] = {}
        self._settled = asyncio.Condition()

    def worst_case(self, candidate: Candidate, messages: Sequence[Message]) -> Decimal:
        """What one call may cost in USD, as far as that is known.

        Input: a text never has more tokens than bytes. Output: the candidate's ``max_tokens``; where it
        sets none, what its dearest call so far did cost, if that is more than the input.
        """
        rated = Decimal(0) if candidate.judge is None else self._rating(candidate, candidate.judge, messages)
        if candidate.price is None:
            return rated
        instruction = "" if candidate.confidence is None else candidate.confidence.sentence(1.0)
        texts = [candidate.system or "", instruction, *(message_text(m) for m in messages)]
        input_tokens = sum(len(text.encode()) + _TOKENS_PER_MESSAGE for text in texts)
        limit = _max_tokens(candidate.params)
        bound = candidate.calls * cost_usd(Usage(input_tokens, limit or 0), candidate.price)
        bound += rated
        return bound if limit is not None else max(bound, self._dearest.get(candidate.name, bound))

    def _rating(self, candidate: Candidate, judge: Candidate, messages: Sequence[Message]) -> Decimal:
        """What it may cost to have one answer rated: the judge reads the question and an answer of at most
        ``max_tokens``, each of a few bytes."""
        asked = sum(len(message_text(m).encode()) for m in messages)
        answer = _BYTES_PER_TOKEN * (_max_tokens(candidate.params) or 0)
        question = {"role": "user", "content": "x" * (asked + answer + _JUDGE_PROMPT)}
        return self.worst_case(judge, [question])

    @asynccontextmanager
    async def room_for(self, candidate: Candidate, messages: Sequence[Message]) -> AsyncIterator[None]:
        """Holds room for one call, waiting for calls in flight where these may yet leave room.

        Raises ``CostCapReached`` where the call does not fit although nothing is in flight.
        """
        amount = self.worst_case(candidate, messages)
        async with self._settled:
            await self._settled.wait_for(lambda: self._in_flight == 0 or self._fits(amount))
            if not self._fits(amount):
                raise CostCapReached(
                    f"the next call of {candidate.name!r} may cost ${amount:.6f}; of the cap of ${self.cap}, "
                    f"${self.spent:.6f} are spent. What was collected is kept: raise the cap and run again"
                )
            self._reserved += amount
            self._in_flight += 1
        try:
            yield
        finally:
            async with self._settled:
                self._reserved -= amount
                self._in_flight -= 1
                self._settled.notify_all()

    def settle(self, candidate: Candidate, cost: Decimal) -> None:
        """Counts what a call did cost."""
        self.spent += cost
        self._dearest[candidate.name] = max(cost, self._dearest.get(candidate.name, cost))

    def _fits(self, amount: Decimal) -> bool:
        return self.cap is None or self.spent + self._reserved + amount <= self.cap


def usd(amount: float | None) -> Decimal:
    """A provider's cost as exact money; unknown counts nothing."""
    return Decimal(0) if amount is None else Decimal(str(amount))


def _max_tokens(params: Mapping[str, Any]) -> int | None:
    limits = [params[k] for k in ("max_completion_tokens", "max_tokens") if isinstance(params.get(k), int)]
    return min(limits, default=None)
