"""A store: a decision log in a text file, one line per decision."""

from __future__ import annotations

import json
from pathlib import Path

from penstock.errors import InputError
from penstock.registry import register
from penstock.storage.base import Decision
from penstock.storage.documents import from_document, to_document


@register("store", "coin")
class CoinLog:
    """At ``coin://PATH``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, where: str, *, must_exist: bool = False) -> CoinLog:
        path = Path(where.partition("://")[2])
        if must_exist and not path.exists():
            raise InputError("there is no such log", file=where)
        return cls(path)

    async def append(self, decision: Decision) -> None:
        if await self.get(decision.id) is not None:
            raise InputError(f"decision {decision.id} is in the log already", file=self.path)
        with self.path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(to_document(decision)) + "\n")

    async def get(self, decision_id: str) -> Decision | None:
        return next((d for d in self._newest() if d.id == decision_id), None)

    async def recent(self, limit: int = 100) -> tuple[Decision, ...]:
        return tuple(self._newest()[:limit])

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _newest(self) -> list[Decision]:
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return [from_document(json.loads(line)) for line in reversed(lines)]
