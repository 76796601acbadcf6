"""Every command and every program of the README, run in order in an empty folder as a reader would."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(console|python)\n(.*?)```", README, re.DOTALL)
LIMIT_S = 300


def commands() -> list[str]:
    """The lines a reader would type, in order."""
    consoles = "\n".join(body for kind, body in BLOCKS if kind == "console")
    return [line[2:] for line in consoles.splitlines() if line.startswith("$ ")]


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def penstock(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "penstock", *words], folder)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which every console command has been run; the gateway is left up until the end."""
    folder = tmp_path_factory.mktemp("readme")
    gateway: subprocess.Popen[str] | None = None
    try:
        for line in commands():
            words = shlex.split(line)
            if words[0] == "make":
                assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line
                words = ["penstock", *words[1:]] if words[1] == "demo" else []
            if not words:
                continue
            assert words[0] == "penstock", f"the README types something else: {line}"
            if words[1] == "serve":
                gateway = start(words[1:], folder)
                continue
            if words[1] == "explain":
                ask(folder)
            done = penstock(words[1:], folder)
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
            assert done.stdout.strip(), f"{line} printed nothing"
        yield folder
    finally:
        if gateway is not None:
            with gateway:
                gateway.send_signal(signal.SIGINT)
                assert gateway.wait(timeout=30) == 0


def start(words: list[str], folder: Path) -> subprocess.Popen[str]:
    """The gateway on the port the README names."""
    environment = {k: v for k, v in os.environ.items() if k != "PENSTOCK_API_KEY"}
    gateway = subprocess.Popen(
        [sys.executable, "-m", "penstock", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(300):
        if gateway.poll() is not None:
            pytest.fail(f"the gateway stopped: {gateway.stderr.read() if gateway.stderr else ''}")
        try:
            urllib.request.urlopen("http://127.0.0.1:8080/health", timeout=1).close()
            return gateway
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail("the gateway did not come up")


def ask(folder: Path) -> None:
    """The README's openai program, which gives 'penstock explain last' something to explain."""
    programs = [body for kind, body in BLOCKS if kind == "python" and "openai" in body]
    for program in programs:
        done = run([sys.executable, "-c", program], folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[0] in {"tiny", "small", "large"}


@pytest.mark.slow
def test_every_command_runs(followed: Path) -> None:
    assert (followed / "router.penstock").is_file()
    assert "<svg" in (followed / "report.html").read_text(encoding="utf-8")
    assert "<svg" in (followed / "demo" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_library_example_runs(followed: Path) -> None:
    programs = [body for kind, body in BLOCKS if kind == "python" and "import penstock" in body]
    assert programs
    for program in programs:
        done = run([sys.executable, "-c", program], followed)
        assert done.returncode == 0, done.stderr
        assert re.search(r"^asked first: (tiny|small|large)", done.stdout, re.MULTILINE), done.stdout


def test_the_readme_names_every_verb() -> None:
    from penstock.cli.app import VERBS

    for verb in VERBS:
        assert f"`penstock {verb}`" in README
