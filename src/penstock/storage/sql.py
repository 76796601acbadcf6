"""A decision log in a SQL database: a SQLite file by default."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from penstock.errors import InputError
from penstock.registry import Room, names, register
from penstock.storage.base import Decision
from penstock.storage.documents import from_document, to_document

SCHEMA_VERSION = 1

_metadata = MetaData()
_schema = Table("penstock_schema", _metadata, Column("version", Integer, primary_key=True))
_decisions = Table(
    "penstock_decisions",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("time", String(40), nullable=False, index=True),
    Column("asked", Text, nullable=False),
    Column("target", Text),
    Column("policy", JSON(none_as_null=True)),
    Column("draw", Float),
    Column("query_hash", String(64), nullable=False, index=True),
    Column("query_text", Text),
    Column("status", String(16), nullable=False),
    Column("ranking", JSON, nullable=False),
    Column("runs", JSON, nullable=False),
    Column("accepted", Text),
    Column("cost_usd", Text),  # decimal text: a database's own floats are not exact
    Column("overhead_ms", Float, nullable=False),
)
_Result = TypeVar("_Result")


@register("store", "sql")
class SqlDecisionLog:
    """One thread talks to the database, callers await their turn; what ``append`` returned from is written.

    ``open`` makes one; the constructor takes an engine whose schema is in order.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="penstock-log")
        self._closed = False

    @classmethod
    def open(cls, where: Path | str, *, must_exist: bool = False) -> SqlDecisionLog:
        """A SQLite file (a path) or a database (a URL with ``://``).

        Raises ``InputError`` where it cannot be opened, is missing though it must exist, is no decision log
        or was written by a newer version.
        """
        name, engine = _engine(where, must_exist)
        try:
            _prepare(engine, name, create=not must_exist)
        except SQLAlchemyError as error:
            engine.dispose()
            raise InputError(f"cannot be opened as a decision log: {_reason(error)}", file=name) from error
        except InputError:
            engine.dispose()
            raise
        return cls(engine, name)

    async def append(self, decision: Decision) -> None:
        """Keep one. Raises ``InputError`` where its id is there already or the database refuses."""
        await self._run(lambda: self._append(decision))

    async def get(self, decision_id: str) -> Decision | None:
        """The decision of that id, or None."""
        found = await self._run(
            lambda: self._select(select(_decisions).where(_decisions.c.id == decision_id))
        )
        return found[0] if found else None

    async def recent(self, limit: int = 100) -> tuple[Decision, ...]:
        """The latest, newest first."""
        query = select(_decisions).order_by(_decisions.c.number.desc()).limit(max(limit, 0))
        return await self._run(lambda: self._select(query))

    async def aclose(self) -> None:
        """Finish what is being written and close the database."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._thread.shutdown)
            self._engine.dispose()

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        # shielded: a caller who goes away does not undo what is being written
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    def _append(self, decision: Decision) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_decisions).values(to_document(decision)))
        except IntegrityError as error:
            raise InputError(f"decision {decision.id} is in the log already", file=self._name) from error
        except SQLAlchemyError as error:
            raise InputError(f"cannot be written: {_reason(error)}", file=self._name) from error

    def _select(self, query: Any) -> tuple[Decision, ...]:
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(query).mappings().all()
        except SQLAlchemyError as error:
            raise InputError(f"cannot be read: {_reason(error)}", file=self._name) from error
        return tuple(from_document({k: v for k, v in row.items() if k != "number"}) for row in rows)


def _engine(where: Path | str, must_exist: bool) -> tuple[str, Engine]:
    if isinstance(where, str) and "://" in where:
        try:
            engine = create_engine(where)
        except (ArgumentError, ImportError) as error:
            scheme = where.partition("://")[0]
            raise InputError(
                f"no decision log can be opened at {scheme}://: no store and no database is called that",
                hint=f"There are {', '.join(names(Room.STORE))}; install the package that adds {scheme!r}",
            ) from error
        return engine.url.render_as_string(hide_password=True), engine
    path = Path(where)
    if must_exist and not path.is_file():
        raise InputError("there is no such decision log", file=path, hint="penstock serve --log writes one")
    if not path.parent.is_dir():
        raise InputError("its folder does not exist", file=path)
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}, "poolclass": StaticPool}
    engine = create_engine(f"sqlite:///{path}", **options)
    event.listen(engine, "connect", _set_up_sqlite)
    return str(path), engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    """WAL: readers (``penstock explain``) do not wait for the gateway's writes, nor it for them."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare(engine: Engine, name: str, *, create: bool) -> None:
    with engine.begin() as connection:
        if not inspect(connection).has_table(_schema.name):
            if not create:
                raise InputError("is no decision log", file=name)
            _metadata.create_all(connection)
            connection.execute(insert(_schema).values(version=SCHEMA_VERSION))
            return
        version = connection.execute(select(_schema.c.version)).scalars().first()
    if version is None or version > SCHEMA_VERSION:
        raise InputError(
            f"was written by a newer penstock (schema {version}, this one reads up to {SCHEMA_VERSION})",
            file=name,
            hint="Upgrade penstock or use another file",
        )


def _reason(error: SQLAlchemyError) -> str:
    """The database's own words, without the statement (which holds the texts being written)."""
    return " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())
