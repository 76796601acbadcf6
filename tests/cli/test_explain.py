"""``penstock explain``."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.storage.base import Decision
from penstock.storage.documents import from_document
from penstock.storage.sql import SqlDecisionLog
from penstock.testing.storages import decision

from .test_pool import run

MIXTURE = {
    "kind": "mixture",
    "gamma": 0.5,
    "cheap": {"kind": "routing", "lambda": 100.0, "dear": False},
    "dear": {"kind": "fixed", "candidate": 1},
}


def written(folder: Path, *decisions: Decision) -> Path:
    async def write() -> None:
        log = SqlDecisionLog.open(folder / "log.sqlite")
        for item in decisions:
            await log.append(item)
        await log.aclose()

    asyncio.run(write())
    return folder / "log.sqlite"


def test_a_decision_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = written(tmp_path, decision())
    assert run("explain", "dec-0", "--log", log) == 0
    text = capsys.readouterr().out
    for part in (
        "asked for auto:budget=0.002",
        "Answered by: large (answered)",
        "large (not eligible)",
        "small: no answer in time",
        "cascade small (keep at 0.500 or more) -> large",
        "0.0001235 USD",
        "overhead: 1.25 ms",
    ):
        assert part in text
    assert "\x00" not in text


@pytest.mark.parametrize(("draw", "said"), [(0.2, "best of quality - 100 x USD"), (0.7, "always large")])
def test_of_a_mixture_the_branch_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], draw: float, said: str
) -> None:
    log = written(tmp_path, replace(decision(), policy=MIXTURE, draw=draw))
    assert run("explain", "last", "--log", log) == 0
    assert f"Policy for budget=0.002: {said}" in capsys.readouterr().out


def test_expected_costs_are_in_what_the_router_was_fitted_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    routing = {"kind": "routing", "lambda": 0.1, "dear": False}
    in_seconds = tuple(replace(r, unit="latency") for r in decision().ranking)
    log = written(tmp_path, replace(decision(), policy=routing, ranking=in_seconds))
    assert run("explain", "last", "--log", log) == 0
    text = capsys.readouterr().out
    assert "expected s " in text
    assert "best of quality - 0.1 x s" in text
    assert "Cost: 0.0001235 USD" in text  # money that was paid is money


def test_a_bypass_has_no_ranking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = replace(decision(), policy=None, target=None, ranking=(), asked="large", draw=None)
    assert run("explain", "dec-0", "--log", written(tmp_path, bare)) == 0
    text = capsys.readouterr().out
    assert "Policy" not in text
    assert "asked for large" in text


def test_json_holds_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = written(tmp_path, decision(), decision(1))
    assert run("explain", "last", "--log", log, "--json") == 0
    assert from_document(json.loads(capsys.readouterr().out)) == decision(1)


def test_the_unknown_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "dec-9", "--log", written(tmp_path, decision())) == 2
    assert "there is no decision 'dec-9'" in capsys.readouterr().err
    assert run("explain", "dec-9", "--log", tmp_path / "none.sqlite") == 2
    assert "there is no such decision log" in capsys.readouterr().err
