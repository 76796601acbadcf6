"""Somebody else's package, installed: what the command line makes of it, from the first table to the last
decision, and what it says where the package is missing."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest

from penstock.outcomes.io import read_table, write_table
from penstock.testing.tables import NAMES, as_table

from .conftest import HERE, Penstock, environment, install
from .tables import tosses

SOURCE = "penstock-coin 1.2"
ROOMS = ("policy", "estimator", "post-hoc", "comparison", "provider", "store", "scorer")
POOL = """
candidates:
  - {name: small, provider: coin, model: penny, options: {side: tails}, price: {input: 1, output: 1}}
  - {name: middle, provider: coin, model: dime, price: {input: 2, output: 2}}
  - {name: large, provider: coin, model: dollar, price: {input: 10, output: 10}}
"""


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    path = tmp_path / "pool.yaml"
    path.write_text(POOL)
    return path


def test_it_is_listed_with_its_version(penstock_: Penstock) -> None:
    lines = [line.split() for line in penstock_("plugins", "--foreign").stdout.splitlines()[1:]]
    assert [line[:4] for line in lines] == [[room, "coin", *SOURCE.split()] for room in ROOMS]


@pytest.mark.parametrize(
    ("verb", "flags"),
    [("fit", ("--estimator", "--policy", "--post-hoc", "--compare")), ("score", ("--scorer",))],
)
def test_help_names_it(penstock_: Penstock, verb: str, flags: tuple[str, ...]) -> None:
    lines = penstock_(verb, "--help").stdout.splitlines()
    for flag in flags:
        (told,) = [line for line in lines if line.lstrip("│* ").startswith(f"{flag} ")]
        assert re.search(r"\bcoin\b", told), told


def test_a_pool_may_name_its_provider(penstock_: Penstock, pool: Path) -> None:
    found = json.loads(penstock_("pool", "check", pool, "--json").stdout)
    assert {candidate["provider"] for candidate in found["candidates"]} == {"coin"}


def test_from_a_table_to_a_decision(penstock_: Penstock, installed: dict[str, str], pool: Path) -> None:
    folder = pool.parent
    train, test, router = folder / "train", folder / "test", folder / "router.penstock"
    known, log = tosses(seed=1), f"coin://{folder / 'decisions'}"
    write_table(as_table(replace(known, quality=np.zeros_like(known.quality)), "train"), train)
    write_table(as_table(tosses(seed=2), "test"), test)

    penstock_("score", train, "--scorer", "coin")
    assert np.array_equal(read_table(train).matrix().select(NAMES).quality, known.quality)

    names = ("--estimator", "coin", "--policy", "coin", "--post-hoc", "coin", "--compare", "coin")
    penstock_("fit", train, "--savings", "0.5", "--deterministic", *names, "-o", router)
    kinds = kinds_of(router)
    assert {kind for kind, source in kinds.items() if source == SOURCE} == {
        ("policy", "coin"),
        ("fitted_estimator", "coin"),
        ("fitted_post_hoc", "coin"),
    }
    assert all(source.startswith("penstock ") for source in kinds.values() if source != SOURCE)

    measured = json.loads(penstock_("evaluate", router, "--test", test, "--draws", "50", "--json").stdout)
    assert list(measured["policies"]) == ["coin/coin+coin"]

    with serving(installed, router, "--pool", pool, "--log", log) as url:
        asked, said = chat(url)
    assert said == "heads"
    decision = json.loads(penstock_("explain", asked, "--log", log, "--json").stdout)
    assert decision["policy"]["kind"] == "coin"
    assert [run["candidate"] for run in decision["runs"]] == [decision["accepted"]]
    assert "cascade middle (keep at" in penstock_("explain", "last", "--log", log).stdout

    code, told, imported = without_it(router)
    assert code == 2
    assert told.splitlines() == [told.strip()], "one line"
    assert "'coin' of penstock-coin 1.2" in told
    assert "pip install penstock-coin" in told
    assert imported == []


def test_what_cannot_be_loaded_takes_nothing_with_it(tmp_path: Path) -> None:
    install(tmp_path, "gone", "0.1", {"gone": "no_such_module"})
    found = registry_of(environment(tmp_path), "policy")
    assert "routing" in found["names"]
    assert found["errors"] == {"gone": "ModuleNotFoundError: No module named 'no_such_module'"}


@pytest.mark.parametrize("first", ["policy", "scorer"])
def test_a_name_that_is_taken_stays_whose_it_was(tmp_path: Path, first: str) -> None:
    """Whichever room is looked into first."""
    install(tmp_path, "greedy", "0.1", {"greedy": "greedy"})
    (tmp_path / "greedy.py").write_text(GREEDY)
    found = registry_of(environment(tmp_path), first)
    assert found["routing"] == "penstock.policies.routing"
    assert {"routing", "vote"} <= set(found["names"])
    assert "'routing' is registered already, by penstock" in found["errors"]["greedy"]


def test_a_log_of_a_store_that_is_missing_is_told(tmp_path: Path) -> None:
    code, told, _ = without_it("last", "--log", f"coin://{tmp_path / 'log'}", verb="explain")
    assert code == 2
    assert "coin" in told
    assert len(told.splitlines()) == 1


GREEDY = """
from penstock.registry import register

@register("policy", "routing")
class Greedy: ...
"""


def registry_of(environ: dict[str, str], first: str) -> Any:
    """In a fresh process that asks for the room ``first`` before it asks for policies: their names, the
    module of routing, and what is wrong with plug-ins."""
    code = (
        "import json, sys\n"
        "from penstock import registry\n"
        "registry.names(sys.argv[1])\n"
        "names, routing = registry.names('policy'), registry.find('policy', 'routing').__module__\n"
        "errors = {p.name: p.error for p in registry.plugins()}\n"
        "print(json.dumps({'names': names, 'routing': routing, 'errors': errors}))"
    )
    command = [sys.executable, "-c", code, first]
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environ, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def kinds_of(router: Path) -> dict[tuple[str, str], str]:
    """Every kind that a bundle's manifest lists, with the distribution it names."""
    manifest = json.loads(zipfile.ZipFile(router).read("manifest.json"))
    return {(item["room"], item["kind"]): item["from"] for item in manifest["kinds"]}


@contextmanager
def serving(environ: dict[str, str], *arguments: object) -> Iterator[str]:
    """A gateway of its own, and its address."""
    command = [sys.executable, "-m", "penstock", "serve", *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ
    )
    try:
        assert process.stdout is not None
        printed = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/v1", printed)
        assert address is not None, printed + process.stdout.read()
        yield address.group()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0


def chat(url: str) -> tuple[str, str]:
    """The id of a decision, and what was answered."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "heads or tails?"}]}
    request = Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=30) as response:
        said = json.load(response)["choices"][0]["message"]["content"]
        return response.headers["x-penstock-decision-id"], said


def without_it(*arguments: object, verb: str = "route") -> tuple[int, str, list[str]]:
    """The exit code, what was told, and which of its modules were imported in a process that could import
    them, but in which it is not installed."""
    code = (
        "import json, sys\n"
        "from penstock.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as ended: code = ended.code\n"
        "print(json.dumps([code, [m for m in sys.modules if m.startswith('penstock_coin')]]))"
    )
    asked = [*map(str, arguments), *(["toss"] if verb == "route" else [])]
    done = subprocess.run(
        [sys.executable, "-c", code, verb, *asked],
        capture_output=True,
        check=False,
        text=True,
        env=environment(HERE),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    ended, imported = json.loads(done.stdout)
    return ended, done.stderr, imported
