"""penstock: every prompt to the cheapest way of answering it well.

Public names are imported when they are first used, so that ``import penstock`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.candidates import Candidate, Pool
    from penstock.errors import PenstockError
    from penstock.pricing import Price
    from penstock.types import Answer, Query, Status, Usage

__version__ = "0.1.0"

__all__ = ["Answer", "Candidate", "PenstockError", "Pool", "Price", "Query", "Status", "Usage", "__version__"]

_MODULE_OF = {
    "Answer": "penstock.types",
    "Candidate": "penstock.candidates",
    "PenstockError": "penstock.errors",
    "Pool": "penstock.candidates",
    "Price": "penstock.pricing",
    "Query": "penstock.types",
    "Status": "penstock.types",
    "Usage": "penstock.types",
}


def __getattr__(name: str) -> object:
    """A public name, imported from where it lives (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
