"""Pools and eligibility."""

from __future__ import annotations

import pytest

from penstock.candidates import Candidate, Pool, Requirements, is_eligible
from penstock.errors import PoolError


def candidate(name: str = "a", **fields: object) -> Candidate:
    return Candidate(name, "scripted", "m", **fields)


@pytest.mark.parametrize(
    ("able", "needs", "eligible"),
    [
        ({}, Requirements(10**9, tools=True, vision=True, json_schema=True), True),
        ({"context_window": 100}, Requirements(100), True),
        ({"context_window": 100}, Requirements(101), False),
        ({"tools": False}, Requirements(tools=True), False),
        ({"tools": False}, Requirements(vision=True), True),
        ({"vision": False}, Requirements(vision=True), False),
        ({"json_schema": False}, Requirements(json_schema=True), False),
        ({"tools": True, "vision": True}, Requirements(tools=True, vision=True), True),
    ],
)
def test_what_is_unknown_never_excludes(able: dict[str, object], needs: Requirements, eligible: bool) -> None:
    assert is_eligible(candidate(**able), needs) is eligible


def test_a_pool_is_read_by_name() -> None:
    pool = Pool((candidate("a"), candidate("b")))
    assert pool.names == ("a", "b")
    assert pool["b"].name == "b"
    assert "a" in pool
    assert "c" not in pool
    assert len(pool) == 2
    assert [c.name for c in pool] == ["a", "b"]
    with pytest.raises(PoolError, match="no candidate is called 'c'; the pool has a, b"):
        pool["c"]


def test_pools_that_are_none() -> None:
    with pytest.raises(PoolError, match="at least one"):
        Pool(())
    with pytest.raises(PoolError, match="'a' stands twice"):
        Pool((candidate("a"), candidate("a")))


def test_options_are_never_printed() -> None:
    assert "secret" not in repr(candidate(options={"api_key": "secret"}))
