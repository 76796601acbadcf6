"""A decision log in memory: for tests and for gateways that need not remember."""

from __future__ import annotations

from penstock.errors import InputError
from penstock.registry import register
from penstock.storage.base import Decision


@register("store", "memory")
class MemoryDecisionLog:
    """Keeps the latest ``capacity`` decisions."""

    def __init__(self, capacity: int = 10_000) -> None:
        self.capacity = capacity
        self._decisions: dict[str, Decision] = {}

    @classmethod
    def open(cls, where: str, *, must_exist: bool = False) -> MemoryDecisionLog:
        """``memory://``: an empty one. Raises ``InputError`` where one must exist already."""
        if must_exist:
            raise InputError("a log in memory ends with the gateway that keeps it", file=where)
        return cls()

    async def append(self, decision: Decision) -> None:
        """Keep one, letting the oldest go where there is no room."""
        if decision.id in self._decisions:
            raise InputError(f"decision {decision.id} is in the log already")
        self._decisions[decision.id] = decision
        if len(self._decisions) > self.capacity:
            del self._decisions[next(iter(self._decisions))]

    async def get(self, decision_id: str) -> Decision | None:
        """The decision of that id, or None."""
        return self._decisions.get(decision_id)

    async def recent(self, limit: int = 100) -> tuple[Decision, ...]:
        """The latest, newest first."""
        return tuple(list(reversed(self._decisions.values()))[: max(limit, 0)])

    async def aclose(self) -> None:
        """Nothing to release."""
