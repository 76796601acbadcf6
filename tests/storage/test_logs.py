"""Every decision log through the contract, and what is particular to each."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from penstock.errors import InputError
from penstock.storage.base import CandidateRun, DecisionLog, total_cost
from penstock.storage.documents import from_document, to_document
from penstock.storage.memory import MemoryDecisionLog
from penstock.storage.sql import SCHEMA_VERSION, SqlDecisionLog
from penstock.testing.storages import DecisionLogContract, decision
from penstock.types import Status


class TestMemory(DecisionLogContract):
    @pytest.fixture
    def log(self) -> DecisionLog:
        return MemoryDecisionLog()


class TestSql(DecisionLogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> DecisionLog:
        return SqlDecisionLog.open(tmp_path / "log.sqlite")


async def test_memory_lets_the_oldest_go() -> None:
    log = MemoryDecisionLog(capacity=2)
    for number in range(3):
        await log.append(decision(number))
    assert [d.id for d in await log.recent()] == ["dec-2", "dec-1"]


async def test_a_file_outlives_its_process(tmp_path: Path) -> None:
    log = SqlDecisionLog.open(tmp_path / "log.sqlite")
    await log.append(decision())
    reader = SqlDecisionLog.open(tmp_path / "log.sqlite", must_exist=True)
    assert await reader.get("dec-0") == decision()
    await reader.aclose()
    await log.aclose()
    again = SqlDecisionLog.open(tmp_path / "log.sqlite")
    await again.append(decision(1))
    assert [d.id for d in await again.recent()] == ["dec-1", "dec-0"]
    await again.aclose()


def test_expected_costs_without_a_unit_are_read_as_usd() -> None:
    document = to_document(decision())
    for ranked in document["ranking"]:
        ranked["cost_usd"] = ranked.pop("cost")
        del ranked["unit"]
    assert from_document(document) == decision()


async def test_money_is_stored_as_text_in_wal_mode(tmp_path: Path) -> None:
    log = SqlDecisionLog.open(tmp_path / "log.sqlite")
    await log.append(decision())
    await log.aclose()
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    try:
        row = connection.execute("select cost_usd, typeof(cost_usd) from penstock_decisions").fetchone()
        assert row == ("0.000123456789012345678", "text")
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    finally:
        connection.close()


def test_a_newer_schema_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("create table penstock_schema (version integer primary key)")
    connection.execute("insert into penstock_schema values (?)", (SCHEMA_VERSION + 1,))
    connection.commit()
    connection.close()
    with pytest.raises(
        InputError, match=rf"log\.sqlite: was written by a newer penstock \(schema {SCHEMA_VERSION + 1}"
    ):
        SqlDecisionLog.open(path)


def test_what_is_no_log_is_said(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with pytest.raises(InputError, match="there is no such decision log"):
        SqlDecisionLog.open(path, must_exist=True)
    assert not path.exists()
    path.write_text("this is no database, whatever its name says" * 50)
    with pytest.raises(InputError, match=r"log\.sqlite: cannot be opened as a decision log: file is not"):
        SqlDecisionLog.open(path)
    with pytest.raises(InputError, match="folder does not exist"):
        SqlDecisionLog.open(tmp_path / "none" / "log.sqlite")
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    with pytest.raises(InputError, match="is no decision log"):
        SqlDecisionLog.open(tmp_path / "empty.sqlite", must_exist=True)


def test_the_total_is_unknown_where_an_answers_cost_is() -> None:
    known, free = CandidateRun("a", Status.ANSWERED, Decimal("0.1")), CandidateRun("b", Status.FAILED)
    assert total_cost((known, known, free)) == Decimal("0.2")
    assert total_cost((known, CandidateRun("c", Status.REFUSED))) is None
    assert total_cost(()) == 0
