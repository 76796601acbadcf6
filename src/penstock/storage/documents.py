"""Decisions as plain JSON and back: for the columns of a database and for ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from penstock.storage.base import CandidateRun, Decision, Ranked
from penstock.types import Status


def to_document(decision: Decision) -> dict[str, Any]:
    """Plain JSON; money as exact decimal text, time in ISO 8601."""
    document = asdict(decision)
    document["time"] = decision.time.isoformat()
    document["cost_usd"] = money_text(decision.cost_usd)
    document["status"] = decision.status.value
    document["policy"] = None if decision.policy is None else dict(decision.policy)
    document["ranking"] = [asdict(ranked) for ranked in decision.ranking]
    document["runs"] = [
        asdict(run) | {"cost_usd": money_text(run.cost_usd), "status": run.status.value}
        for run in decision.runs
    ]
    return document


def from_document(document: Mapping[str, Any]) -> Decision:
    """What ``to_document`` wrote."""
    fields = dict(document)
    fields["time"] = datetime.fromisoformat(document["time"])
    fields["cost_usd"] = money(document["cost_usd"])
    fields["status"] = Status(document["status"])
    fields["ranking"] = tuple(_ranked(ranked) for ranked in document["ranking"])
    fields["runs"] = tuple(
        CandidateRun(**{**run, "cost_usd": money(run["cost_usd"]), "status": Status(run["status"])})
        for run in document["runs"]
    )
    return Decision(**fields)


def _ranked(document: Mapping[str, Any]) -> Ranked:
    fields = dict(document)
    if "cost_usd" in fields:  # as it was called before costs had units
        fields["cost"] = fields.pop("cost_usd")
    return Ranked(**fields)


def money(value: str | float | None) -> Decimal | None:
    """Money from text, or from a float as it prints."""
    return None if value is None else Decimal(str(value))


def money_text(value: Decimal | None) -> str | None:
    """Money as text, without an exponent."""
    return None if value is None else format(value, "f")
