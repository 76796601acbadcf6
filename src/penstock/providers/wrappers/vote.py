"""Several samples of one model as one answer, in front of any provider."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import Event
from typing import Any

from penstock.answers.final_answer import final_answer_named
from penstock.candidates import REFUSAL, Candidate, Weighting
from penstock.errors import (
    AuthenticationFailed,
    InputError,
    PoolError,
    ProviderError,
    RequestRejected,
)
from penstock.pricing import cost_usd
from penstock.providers.base import ChatRequest, Completion, Provider, StreamChunk
from penstock.providers.openai_format import usage_body
from penstock.providers.request_shaping import as_stream
from penstock.providers.stream_reader import Generation, asked_at, generate, refusal_body
from penstock.providers.wrappers.vote_count import Ballots, thresholds
from penstock.types import Answer, Status, Usage


class VotingProvider:
    """Samples ``inner`` side by side and answers with the answer of the most weight (``candidates.Vote``).

    Once the vote is decided the remaining samples are cancelled; what they had decoded is paid. A vote
    without a winner, or with one that falls short of ``accept``, is a refusal. A sample that fails votes
    for nobody; where all fail the last error is raised. Adaptive votes draw one sample at a time.

    ``answer.confidence`` is the winner's share of the weight counted; usage and cost are of all samples.
    """

    def __init__(self, candidate: Candidate, inner: Provider) -> None:
        if candidate.vote is None:
            raise PoolError("a candidate that votes needs a vote", field="vote")
        self.candidate, self.inner, self.vote = candidate, inner, candidate.vote
        try:
            self._read = final_answer_named(self.vote.answer, self.vote.pattern)
        except InputError as error:
            raise PoolError(error.message, field=f"vote.{error.field}") from error

    async def complete(self, request: ChatRequest) -> Completion:
        """One voted answer. Raises ``ProviderError`` and below, as ``inner`` does."""
        run = _Run(self.candidate, Ballots(self.vote, self._read))
        together = 1 if self.vote.certainty is not None else self.vote.samples
        waiting = [(k, self._request(request, k)) for k in reversed(range(self.vote.samples))]
        try:
            while run.decided is None:
                while waiting and len(run.running) < together:
                    run.start(self.inner, *waiting.pop())
                await run.wait()
            await run.stop(gently=getattr(self.inner, "ends_when_told", False))
        except BaseException:
            await run.abandon()
            raise
        return run.completion()

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamChunk]:
        """The voted answer in chunks, once it is decided."""
        completion = await self.complete(request)
        for chunk in as_stream(completion, request):
            yield chunk

    async def aclose(self) -> None:
        """Close ``inner``."""
        await self.inner.aclose()

    def _request(self, request: ChatRequest, sample: int) -> ChatRequest:
        """Sample number ``sample``: its own seed and, in a ranged vote, its own confidence."""
        params = {k: v for k, v in request.params.items() if k not in ("n", "stream_options")}
        params |= {"temperature": self.vote.temperature, "top_p": self.vote.top_p}
        if self.vote.weights is Weighting.CISC:
            params["logprobs"] = True
        if isinstance(seed := params.get("seed"), int):
            params["seed"] = seed + sample
        messages = request.messages
        if self.candidate.confidence is not None:
            messages = asked_at(self.candidate.confidence, messages, thresholds(self.vote)[sample])
        return ChatRequest(messages, params, Event())


@dataclass(slots=True)
class _Run:
    """The samples of one request."""

    candidate: Candidate
    ballots: Ballots
    running: dict[asyncio.Task[Completion], tuple[int, Generation]] = field(default_factory=dict)
    done: dict[int, Completion] = field(default_factory=dict)
    decided: bool | None = None
    error: ProviderError | None = None
    started: float = field(default_factory=time.perf_counter)

    def start(self, inner: Provider, sample: int, request: ChatRequest) -> None:
        generation = Generation(self.candidate, request, self.candidate.confidence)
        task = asyncio.ensure_future(generate(inner, generation))
        self.running[task] = (sample, generation)

    async def wait(self) -> None:
        """Until at least one more sample is in."""
        ended, _ = await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            sample, _ = self.running.pop(task)
            self.ballots.cast(sample, self._kept(sample, task))
        self.decided = self.ballots.decided()
        if self.error is not None and not self.done and len(self.ballots) == self.ballots.vote.samples:
            raise self.error

    async def stop(self, *, gently: bool) -> None:
        """End what is still running. ``gently``: the provider ends it and says what it took."""
        for task, (_, generation) in self.running.items():
            if generation.request.stopped is not None and gently:
                generation.request.stopped.set()
            else:
                task.cancel()
        if self.running:
            await asyncio.wait(self.running)
        inputs = max((c.answer.usage.input_tokens for c in self.done.values()), default=None)
        for task, (sample, generation) in self.running.items():
            if task.cancelled():
                self.done[sample] = generation.completion(inputs)
            else:
                self._kept(sample, task)
        self.running.clear()

    async def abandon(self) -> None:
        """NoAnswer waits any more, or the vote has failed."""
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        self.running.clear()

    def completion(self) -> Completion:
        """The vote's answer: the first sample that gave the winning one, with what all of them took."""
        answers = [completion.answer for _, completion in sorted(self.done.items())]
        if self.ballots.vote.repeats_cached:
            answers = [*answers[:1], *map(_repeated, answers[1:])]
        usage = Usage(*(sum(getattr(a.usage, name) for a in answers) for name in Usage.__dataclass_fields__))
        winner = self.ballots.winner()
        confidence = 0.0 if winner is None else winner[2]
        if not self.decided or winner is None:
            refusal = _refusal_of(self.candidate)
            answer = Answer(self.candidate.name, refusal, Status.REFUSED)
            body: Mapping[str, Any] = refusal_body(self.candidate, refusal, usage)
        else:
            chosen = self.done[winner[0]]
            answer = replace(chosen.answer, extracted=winner[1])
            body = {**chosen.body, "usage": usage_body(usage)}
        return Completion(
            replace(
                answer,
                usage=usage,
                cost_usd=self._cost(answers),
                latency_s=time.perf_counter() - self.started,
                confidence=confidence,
            ),
            body,
        )

    def _kept(self, sample: int, task: asyncio.Task[Completion]) -> Answer | None:
        error = task.exception()
        if error is None:
            self.done[sample] = task.result()
            return self.done[sample].answer
        if not isinstance(error, ProviderError) or isinstance(error, RequestRejected | AuthenticationFailed):
            raise error
        self.error = error
        return None

    def _cost(self, answers: list[Answer]) -> float | None:
        """Of all samples, exactly; None where the cost of one is unknown."""
        price = self.candidate.price
        if price is not None and all(a.usage != Usage() for a in answers):
            return float(sum((cost_usd(a.usage, price) for a in answers), Decimal(0)))
        costs = [a.cost_usd for a in answers]
        return None if None in costs else float(sum(c for c in costs if c is not None))


def _repeated(answer: Answer) -> Answer:
    """An answer to a prompt that the provider has just read."""
    usage = replace(answer.usage, cached_tokens=answer.usage.input_tokens)
    return replace(answer, usage=usage)


def _refusal_of(candidate: Candidate) -> str:
    return REFUSAL if candidate.confidence is None else candidate.confidence.refusal
