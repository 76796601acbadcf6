"""A decision log by its address."""

from __future__ import annotations

from pathlib import Path

from penstock import registry
from penstock.registry import Room
from penstock.storage.base import DecisionLog, StoreType


def open_log(where: str | Path, *, must_exist: bool = False) -> DecisionLog:
    """The log at ``NAME://...``, ``NAME`` being that of a registered store; any other address is a SQL
    database's, and a path a SQLite file's. Raises ``InputError`` where it cannot be opened."""
    scheme, separator, _ = str(where).partition("://")
    name = scheme if separator and registry.holds(Room.STORE, scheme) else "sql"
    store: StoreType = registry.find(Room.STORE, name)
    return store.open(str(where), must_exist=must_exist)
