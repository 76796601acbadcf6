"""The program around the verbs: help, version, errors in one line, exit codes, JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import typer

import penstock
from penstock.cli import _console, app, main
from penstock.errors import InputError
from penstock.types import Status, Usage


def run(*arguments: str) -> int:
    """The exit code of ``penstock ARGUMENTS``, in this process."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    code = stopped.value.code
    return code if isinstance(code, int) else int(code is not None)


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Adds a verb ``boom`` that runs the given function."""

    def mount(function: Callable[[], None]) -> None:
        build = app.build_app

        def with_boom(switches: app.Switches | None = None) -> typer.Typer:
            built = build(switches)
            built.command("boom")(function)
            return built

        monkeypatch.setattr(app, "build_app", with_boom)

    return mount


def raising(error: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"penstock {penstock.__version__}\n"


@pytest.mark.parametrize("asked", [(), ("--help",), ("-h",)])
def test_help_lists_the_verbs_in_the_order_of_use(
    asked: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*asked) == (0 if asked else 2)
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert "cheapest way of answering it well" in text
    places = [text.find(f"│ {name} ") for name in app.VERBS]
    assert -1 not in places
    assert places == sorted(places)


def test_an_error_of_ours_is_one_line_and_exit_code_2(
    verb: Callable[[Callable[[], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(
        raising(
            InputError(
                "quality is above 1\nand more", file="a.csv", row=3, field="quality", hint="Divide by 100"
            )
        )
    )
    assert run("boom") == 2
    shown = capsys.readouterr()
    assert shown.err == "error: a.csv, row 3, column quality: quality is above 1 and more. Divide by 100\n"
    assert shown.out == ""


def test_the_whole_error_is_shown_on_demand(
    verb: Callable[[Callable[[], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    verb(raising(InputError("no")))
    with pytest.raises(InputError):
        main(["--traceback", "boom"])
    monkeypatch.setenv("PENSTOCK_TRACEBACK", "1")
    with pytest.raises(InputError):
        main(["boom"])


def test_a_defect_is_not_hidden(verb: Callable[[Callable[[], None]], None]) -> None:
    verb(raising(ZeroDivisionError("ours")))
    with pytest.raises(ZeroDivisionError):
        main(["boom"])


def test_an_interrupt_is_exit_code_130(
    verb: Callable[[Callable[[], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(raising(KeyboardInterrupt()))
    assert run("boom") == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("no-such-verb",), ("--no-such-option",)])
def test_wrong_usage_is_exit_code_2(wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*wrong) == 2
    assert "No such" in capsys.readouterr().err


def test_a_verb_that_cannot_be_imported_is_not_left_out_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "import_module", raising_import)
    with pytest.raises(ImportError, match="broken on purpose"):
        app.build_app()


def raising_import(name: str) -> None:
    raise ImportError("broken on purpose")


def test_a_reader_that_leaves_early_ends_the_program_quietly() -> None:
    code = (
        "from penstock.cli import app, _console\n"
        "build = app.build_app\n"
        "def boom():\n"
        "    for _ in range(9):\n"
        "        _console.print_json(list(range(10**5)))\n"
        "def with_boom(switches=None):\n"
        "    built = build(switches)\n"
        "    built.command('boom')(boom)\n"
        "    return built\n"
        "app.build_app = with_boom\n"
        "app.main(['boom'])\n"
    )
    source = str(Path(penstock.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read().decode()
        assert process.wait(timeout=30) == 1
    assert told == ""


def test_python_dash_m_is_the_same_program() -> None:
    source = str(Path(penstock.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert done.stdout == f"penstock {penstock.__version__}\n"


@dataclasses.dataclass(frozen=True)
class Point:
    cost: Decimal
    path: Path


def test_json_has_only_what_json_has(capsys: pytest.CaptureFixture[str]) -> None:
    _console.print_json(
        {
            "undefined": [math.nan, math.inf, np.float64("nan"), Decimal("nan")],
            "array": np.array([[1.0, math.nan]]),
            "integer": np.int64(3),
            "flag": np.bool_(True),
            "point": Point(Decimal("0.1"), Path("a/b")),
            "status": Status.REFUSED,
            "usage": Usage(1, 2),
            "text": "größer",
            1: (None, True),
        }
    )
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "größer" in shown.out
    assert json.loads(shown.out) == {
        "undefined": [None, None, None, None],
        "array": [[1.0, None]],
        "integer": 3,
        "flag": True,
        "point": {"cost": 0.1, "path": "a/b"},
        "status": "refused",
        "usage": {"input_tokens": 1, "output_tokens": 2, "cached_tokens": 0},
        "text": "größer",
        "1": [None, True],
    }


def test_what_has_no_json_form_is_said() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        _console.print_json({"x": object()})


def test_progress_stays_off_stdout_and_off_a_stderr_that_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with _console.progress() as display:
        task = display.add_task("working", total=3)
        display.advance(task, 3)
    assert display.finished
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == ""
