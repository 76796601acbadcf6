"""``penstock pool check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli import main

POOL = """
candidates:
  - name: remote
    model: gpt-x
    base_url: https://host/v1
    api_key: ${POOL_TEST_KEY}
    price: {input: 0.15, output: 0.6}
    tools: true
  - {name: said, provider: scripted, model: m}
"""


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return int(stopped.value.code or 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pool.yaml"
    path.write_text(POOL)
    return path


def test_a_table_for_people(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POOL_TEST_KEY", raising=False)
    assert run("pool", "check", file) == 0
    shown = capsys.readouterr()
    assert "remote" in shown.out
    assert "0.15" in shown.out
    assert "set POOL_TEST_KEY before serving" in shown.err
    monkeypatch.setenv("POOL_TEST_KEY", "sk-hidden")
    assert run("pool", "check", file) == 0
    shown = capsys.readouterr()
    assert "yes" in shown.out
    assert "sk-hidden" not in shown.out + shown.err
    assert shown.err == ""


def test_json_for_programs(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POOL_TEST_KEY", "sk-hidden")
    assert run("pool", "check", file, "--json") == 0
    text = capsys.readouterr().out
    remote, said = json.loads(text)["candidates"]
    assert (remote["key"], remote["key_variable"], remote["price"]["output"]) == (True, "POOL_TEST_KEY", 0.6)
    assert (said["key"], said["price"]) == (None, None)
    assert "sk-hidden" not in text


def test_what_is_wrong_is_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(POOL.replace("tools:", "toolz:"))
    assert run("pool", "check", file) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "candidates[0].toolz" in shown.err
    assert "Did you mean 'tools'?" in shown.err
