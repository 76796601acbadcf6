"""``penstock serve`` as a process: it serves a fitted router, writes its log and goes when asked to."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import openai
import pytest

from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import router_of
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.bundle import save_bundle
from penstock.router.targets import Target
from penstock.types import Answer, Query

from .test_pool import run

POOL = """
candidates:
  - {name: small, provider: scripted, model: s, replies: I am small, price: {input: 1, output: 1}}
  - {name: large, provider: scripted, model: l, replies: I am large, price: {input: 10, output: 10}}
  - {name: extra, provider: scripted, model: e, replies: I am extra}
"""
MESSAGES = [{"role": "user", "content": "add 2 and 3"}]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A router for two candidates: small adds well and proves badly, large does both."""
    rng = np.random.default_rng(0)
    hard = rng.random(120) < 0.5
    prompts = [f"prove theorem {i}" if h else f"add {i} and {i + 1}" for i, h in enumerate(hard)]
    chances = np.stack([np.where(hard, 0.1, 0.9), np.full(120, 0.95)], axis=1)
    grid = OutcomeMatrix(
        queries=tuple(Query.from_prompt(f"q{i}", prompt) for i, prompt in enumerate(prompts)),
        candidates=("small", "large"),
        quality=(rng.random((120, 2)) < chances).astype(float),
        cost=np.tile([1e-5, 1e-4], (120, 1)),
        propensity=np.ones((120, 2)),
        answer_of=lambda i, j: Answer(("small", "large")[j]),
    )
    fitted = fit_matrix(grid, FitSettings(estimators=("kmeans",), policies=("routing",)))
    path = tmp_path_factory.mktemp("bundle") / "router.penstock"
    save_bundle(router_of(fitted, Target.parse("savings=0.4"), seed=0, provenance={}), path)
    return path


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    path = tmp_path / "pool.yaml"
    path.write_text(POOL)
    return path


@contextmanager
def serving(*arguments: object, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the address it prints."""
    code = "from penstock.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", *map(str, arguments), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environ},
    )
    try:
        assert process.stdout is not None
        printed = ""
        while "explain ID" not in printed:
            line = process.stdout.readline()
            assert line, f"the gateway did not start: {printed}"
            printed += line
        address = re.search(r"http://[\d.]+:\d+/v1", printed)
        assert address is not None
        yield process, address.group()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def asking(url: str, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0)


def test_it_serves_logs_and_stops(
    bundle: Path, pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.sqlite"
    with serving(bundle, "--pool", pool, "--log", log, "--log-text") as (process, url), asking(url) as client:
        raw = client.chat.completions.with_raw_response.create(model="auto", messages=MESSAGES)
        extra = client.chat.completions.create(model="extra", messages=MESSAGES)
        assert [model.id for model in client.models.list()] == ["auto", "small", "large", "extra"]
    assert process.returncode == 0
    assert raw.parse().choices[0].message.content in ("I am small", "I am large")
    assert extra.choices[0].message.content == "I am extra"
    assert run("explain", raw.headers["x-penstock-decision-id"], "--log", log, "--json") == 0
    decision = json.loads(capsys.readouterr().out)
    assert decision["target"] == "savings=0.4"
    assert decision["accepted"] == raw.headers["x-penstock-model"]
    assert decision["query_text"] == "add 2 and 3"
    assert {ranked["candidate"] for ranked in decision["ranking"]} == {"small", "large"}


def test_a_target_and_a_key(bundle: Path, pool: Path, tmp_path: Path) -> None:
    options = ("--log", tmp_path / "log.sqlite", "--target", "strong_share=0")
    with serving(bundle, "--pool", pool, *options, PENSTOCK_API_KEY="the-key") as (_, url):
        with asking(url, "the-key") as client:
            assert client.chat.completions.create(model="auto", messages=MESSAGES).model == "small"
        with asking(url, "wrong") as client, pytest.raises(openai.AuthenticationError):
            client.models.list()


def test_what_cannot_be_served_is_one_line(
    bundle: Path,
    pool: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PENSTOCK_API_KEY", raising=False)
    monkeypatch.setenv("PENSTOCK_LOG", str(tmp_path / "log.sqlite"))
    poor = tmp_path / "poor.yaml"
    poor.write_text("candidates: [{name: small, provider: scripted, model: s}]")
    keyless = tmp_path / "keyless.yaml"
    keyless.write_text(
        POOL + "  - {name: r, model: m, base_url: 'http://h/v1', api_key: '${SERVE_TEST_NO_KEY}'}"
    )
    taken = socket.create_server(("127.0.0.1", 0))
    try:
        for arguments, said in (
            ((bundle, "--pool", pool, "--host", "0.0.0.0"), "PENSTOCK_API_KEY"),
            ((bundle, "--pool", poor), "fitted on large, which the pool lacks"),
            ((bundle, "--pool", keyless, "--port", 0), "SERVE_TEST_NO_KEY is not set"),
            ((bundle, "--pool", pool, "--target", "cheap=1"), "unknown target"),
            ((bundle, "--pool", pool, "--target", "budget=1e-9"), "cannot be met"),
            ((pool, "--pool", pool), "pool.yaml"),
            ((bundle, "--pool", pool, "--port", taken.getsockname()[1]), "cannot listen"),
        ):
            assert run("serve", *arguments) == 2
            shown = capsys.readouterr()
            assert said in shown.err
            assert shown.err.count("\n") == 1
            assert shown.out == ""
    finally:
        taken.close()


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in (("serve",), ("explain",), ("pool", "check")):
        assert run(*verb, "--help") == 0
        assert "Example" in capsys.readouterr().out


def test_serving_needs_no_fitting_libraries() -> None:
    code = (
        "import sys, penstock.gateway.app, penstock.router.bundle, penstock.providers.make,"
        "penstock.providers.openai_compatible, penstock.config.pool_file, penstock.storage.sql;"
        "print([m for m in ('polars', 'sklearn', 'scipy', 'onnxruntime', 'openai') if m in sys.modules])"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert time.perf_counter() - started < 10
