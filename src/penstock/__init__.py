"""penstock: every prompt to the cheapest way of answering it well.

Public names are imported when they are first used, so that ``import penstock`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.candidates import Candidate, Pool
    from penstock.errors import PenstockError
    from penstock.evaluation.evaluate import evaluate_fit
    from penstock.fitting.fit import fit_grid
    from penstock.fitting.result import router_of
    from penstock.fitting.settings import FitSettings
    from penstock.outcomes.io import read_table, write_table
    from penstock.outcomes.matrix import Grid
    from penstock.outcomes.table import OutcomeTable
    from penstock.outcomes.to_matrix import to_grid
    from penstock.pricing import Price
    from penstock.router.bundle import load_bundle, save_bundle
    from penstock.router.router import Router
    from penstock.router.targets import Target
    from penstock.types import Answer, Query, Status, Usage

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Candidate",
    "FitSettings",
    "Grid",
    "OutcomeTable",
    "PenstockError",
    "Pool",
    "Price",
    "Query",
    "Router",
    "Status",
    "Target",
    "Usage",
    "__version__",
    "evaluate_fit",
    "fit_grid",
    "load_bundle",
    "read_table",
    "router_of",
    "save_bundle",
    "to_grid",
    "write_table",
]

_MODULE_OF = {
    "Answer": "penstock.types",
    "Candidate": "penstock.candidates",
    "FitSettings": "penstock.fitting.settings",
    "Grid": "penstock.outcomes.matrix",
    "OutcomeTable": "penstock.outcomes.table",
    "PenstockError": "penstock.errors",
    "Pool": "penstock.candidates",
    "Price": "penstock.pricing",
    "Query": "penstock.types",
    "Router": "penstock.router.router",
    "Status": "penstock.types",
    "Target": "penstock.router.targets",
    "Usage": "penstock.types",
    "evaluate_fit": "penstock.evaluation.evaluate",
    "fit_grid": "penstock.fitting.fit",
    "load_bundle": "penstock.router.bundle",
    "read_table": "penstock.outcomes.io",
    "router_of": "penstock.fitting.result",
    "save_bundle": "penstock.router.bundle",
    "to_grid": "penstock.outcomes.to_matrix",
    "write_table": "penstock.outcomes.io",
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
