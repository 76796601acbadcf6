"""What every verb prints through: text on stdout, progress and complaints on stderr, JSON as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress

out = Console(highlight=False)
"""Results for people: stdout."""

err = Console(stderr=True, highlight=False)
"""Progress, warnings and errors: stderr."""


def print_json(value: object) -> None:
    """Write one JSON document, and nothing else, to stdout.

    Undefined numbers (NaN, infinities) become null; arrays, decimals, enums, paths and dataclasses become
    what JSON has for them. Anything else raises ``TypeError``.
    """
    sys.stdout.write(json.dumps(to_json(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()  # a closed pipe is noticed here, where it is handled


def to_json(value: object) -> Any:  # noqa: PLR0911 - one line per kind of value
    """The same value in JSON's own types; see ``print_json``."""
    match value:
        case Enum():
            return to_json(value.value)
        case None | bool() | str() | int():
            return value
        case float() | Decimal():
            return float(value) if math.isfinite(value) else None
        case Mapping():
            return {str(key): to_json(item) for key, item in value.items()}
        case PurePath():
            return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if hasattr(value, "tolist"):  # NumPy arrays and scalars, without importing NumPy
        return to_json(value.tolist())
    if isinstance(value, Iterable):
        return [to_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")


@contextmanager
def progress(*, disable: bool = False) -> Iterator[Progress]:
    """A progress display on stderr, gone when the work is done; silent where stderr is no terminal.

    Add work with ``add_task(description, total=n)`` and report it with ``advance(task)``.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=disable or not err.is_terminal) as display:
        yield display
