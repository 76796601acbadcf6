"""A router that says what it is told to, scripted candidates, and a gateway around them on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from openai import OpenAI

from penstock.belief import Belief, OwnAnswerBelief
from penstock.candidates import Candidate, Pool
from penstock.errors import TargetError
from penstock.gateway.app import create_app
from penstock.gateway.background import serve_in_background
from penstock.gateway.settings import Settings
from penstock.outcomes.cost_unit import USD, CostUnit
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.fixed import Fixed
from penstock.pricing import Price
from penstock.providers.base import Provider
from penstock.providers.scripted import Script, ScriptedProvider
from penstock.router.targets import Target, TargetKind
from penstock.state import draw_of
from penstock.storage.base import Decision, DecisionLog
from penstock.storage.memory import MemoryDecisionLog
from penstock.types import Answer, FloatArray, IntArray, Query, Status

NAMES = ("small", "large")
PRICES = {"small": Price.of(1, 2), "large": Price.of(10, 20)}


@dataclass(frozen=True)
class SaidRouter:
    """Small first, large where the answer holds no "sure"; ``quality=`` targets go straight to large."""

    candidates: tuple[str, ...] = NAMES
    target: Target = field(default_factory=lambda: Target.parse("budget=0.01"))
    cascade: Policy = field(default_factory=lambda: ThresholdCascade((0, 1), (0.5,)))
    blocking: bool = False
    cost_unit: CostUnit = USD

    def policy_for(self, target: Target | None) -> Policy:
        wanted = target or self.target
        if wanted.kind is TargetKind.BUDGET and wanted.value < 1e-6:
            raise TargetError("the cheapest this pool does costs 1e-06 USD per query")
        if wanted.kind is TargetKind.QUALITY:
            return Fixed(1)
        return self.cascade if wanted.kind is TargetKind.BUDGET else Fixed(0)

    def believe(self, queries: Sequence[Query]) -> Belief:
        n = len(queries)
        before = np.tile([0.4, 0.9], (n, 1))
        draw = np.array([draw_of(q.id, 0) for q in queries])
        return OwnAnswerBelief(before, before, np.tile([1e-6, 1e-5], (n, 1)), draw, read=sure)


def sure(ex_ante: FloatArray, answers: Sequence[Answer], columns: IntArray) -> FloatArray:
    """0.95 of an answer that says it is sure, else 0.1."""
    return np.array([0.95 if "sure" in a.text and a.status is Status.ANSWERED else 0.1 for a in answers])


@dataclass
class Running:
    """A gateway that is up."""

    url: str
    log: DecisionLog
    providers: Mapping[str, Any]
    stack: ExitStack

    def client(self, **options: Any) -> OpenAI:
        settings = {"base_url": f"{self.url}/v1", "api_key": "none", "max_retries": 0, **options}
        return self.stack.enter_context(OpenAI(**settings))

    async def last(self) -> Decision:
        return (await self.log.recent(1))[0]


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a gateway: scripts by candidate, and what else matters to a test."""
    with ExitStack() as stack:

        def run(
            small: Script = "sure: small",
            large: Script = "sure: large",
            *,
            router: Any = None,
            providers: Mapping[str, Provider] | None = None,
            settings: Settings | None = None,
            delays: Mapping[str, float] | None = None,
            chunk_delay_s: float = 0.0,
            capabilities: Mapping[str, Mapping[str, Any]] | None = None,
        ) -> Running:
            log = MemoryDecisionLog()
            candidates = [
                Candidate(
                    name, "scripted", f"vendor/{name}", PRICES[name], **(capabilities or {}).get(name, {})
                )
                for name in NAMES
            ]
            made: Mapping[str, Provider] = providers or {
                candidate.name: ScriptedProvider(
                    candidate,
                    script,
                    delay_s=(delays or {}).get(candidate.name, 0.0),
                    chunk_delay_s=chunk_delay_s,
                )
                for candidate, script in zip(candidates, (small, large), strict=True)
            }
            app = create_app(router or SaidRouter(), made, log, settings, pool=Pool(tuple(candidates)))
            return Running(stack.enter_context(serve_in_background(app)), log, made, stack)

        yield run


@pytest.fixture
def hello() -> list[dict[str, str]]:
    """A short conversation."""
    return [{"role": "user", "content": "Hello, how are you?"}]
