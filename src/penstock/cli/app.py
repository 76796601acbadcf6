"""The program ``penstock``: mounts the verbs, and turns our errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated

import typer

from penstock import __version__
from penstock.errors import PenstockError

VERBS = (
    "demo",
    "collect",
    "score",
    "fit",
    "evaluate",
    "route",
    "explain",
    "serve",
    "plugins",
    "pool",
    "data",
    "lab",
    "train",
)
"""In the order of use, which is the order of ``--help``."""

SUB_APPS = frozenset({"lab", "train"})
"""Verbs whose module exposes a whole ``app`` to be mounted under the verb's name."""

USAGE = 2
INTERRUPTED = 130


@dataclass
class Switches:
    """What was asked of the program rather than of a verb."""

    traceback: bool = False


def build_app(switches: Switches | None = None) -> typer.Typer:
    """The whole command line; ``switches`` receives the global options when it runs."""
    received = switches or Switches()
    app = typer.Typer(
        name="penstock",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def program(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
        ] = False,
        traceback: Annotated[
            bool,
            typer.Option("--traceback", envvar="PENSTOCK_TRACEBACK", help="Show whole errors, not one line."),
        ] = False,
    ) -> None:
        """Send every prompt to the cheapest way of answering it well.

        Start with [bold]penstock demo[/bold]: it collects, fits, evaluates and serves, offline.
        """
        received.traceback = traceback

    for verb in VERBS:
        _mount(app, verb)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit: 0 done, 2 bad input, 130 interrupted.

    Only our own errors become one line: anything else is a defect and shows its traceback.
    """
    switches = Switches()
    command = typer.main.get_command(build_app(switches))
    try:
        command.main(args=None if arguments is None else list(arguments), prog_name="penstock")
    except PenstockError as error:
        if switches.traceback:
            raise
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        sys.exit(USAGE)
    except KeyboardInterrupt:  # before a verb started
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader left, as ``| head`` does: what is still buffered has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _mount(app: typer.Typer, verb: str) -> None:
    module = import_module(f"penstock.cli.{verb}")
    if verb in SUB_APPS:
        app.add_typer(module.app, name=verb)
    else:
        module.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"penstock {__version__}")
        raise typer.Exit
