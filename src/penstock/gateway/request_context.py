"""One request on its way through the gateway: its headers, and its line in the decision log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import uuid4

from penstock.gateway.call_trace import CallTrace
from penstock.gateway.wire import Incoming
from penstock.policies.base import Policy
from penstock.providers.openai_format import text_hash
from penstock.router.targets import Target
from penstock.storage.base import Decision, total_cost
from penstock.storage.documents import money_text
from penstock.types import Status


@dataclass(slots=True)
class RequestContext:
    """Filled in as things become known. ``target`` and ``policy`` stay None where a candidate was named."""

    incoming: Incoming
    trace: CallTrace = field(default_factory=CallTrace)
    id: str = field(default_factory=lambda: f"dec-{uuid4().hex}")
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    target: Target | None = None
    policy: Policy | None = None
    accepted: str | None = None
    status: Status = Status.FAILED
    logged: bool = False

    def headers(self, *, running: str | None = None) -> dict[str, str]:
        """What is known by now; ``running`` is a candidate whose answer is still coming, at unknown cost."""
        called = [run.candidate for run in self.trace.runs] + ([running] if running else [])
        cost = None if running else total_cost(tuple(self.trace.runs))
        model = running or self.accepted
        found = {"x-penstock-decision-id": self.id}
        if model is not None:
            found["x-penstock-model"] = _header_text(model)
        found["x-penstock-candidates"] = ",".join(map(_header_text, called))
        if cost is not None:
            found["x-penstock-cost-usd"] = money_text(cost) or "0"
        found["x-penstock-overhead-ms"] = f"{self.trace.overhead_ms:.2f}"
        return found

    def decision(self, *, with_text: bool) -> Decision:
        """What the log keeps."""
        prompt, runs = self.incoming.query.prompt, tuple(self.trace.runs)
        return Decision(
            id=self.id,
            time=self.time,
            asked=self.incoming.asked,
            query_hash=text_hash(prompt),
            status=self.status,
            target=None if self.target is None else str(self.target),
            policy=None if self.policy is None else dict(self.policy.spec()),
            draw=self.trace.draw,
            query_text=prompt if with_text else None,
            ranking=self.trace.ranking,
            runs=runs,
            accepted=None if self.status is Status.FAILED else self.accepted,
            cost_usd=total_cost(runs),
            overhead_ms=self.trace.overhead_ms,
        )


def _header_text(name: str) -> str:
    """Names may hold anything; headers may not, and commas part them."""
    return quote(name, safe=" !#$&'()*+/:;<=>?@[]^_`{|}~.-")
