"""What fitting returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.fitting.select_candidates import Selection
from penstock.fitting.sweep import Sweep
from penstock.outcomes.cost_unit import CostUnit
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Frontier
from penstock.router.router import FittedRouter
from penstock.router.targets import Target
from penstock.types import FloatArray, IntArray

MIX = "mix/mean"


@dataclass(frozen=True)
class Option:
    """One policy with one estimator, tuned: ``frontier`` guarded, ``unguarded`` as tuned.

    ``kept`` of ``tried`` points cleared the guard; ``auc`` is the guarded frontier's mean quality over the
    cost range, on tuning rows: what options are compared by. ``vertices`` are the guarded frontier's vertices
    on every tuning row.
    """

    name: str
    model: BeliefModel
    frontier: Frontier
    unguarded: Frontier
    kept: int
    tried: int
    auc: float
    seconds: Mapping[str, float]
    vertices: Sweep = field(repr=False)


@dataclass(frozen=True)
class TuningRows:
    """True ``quality`` and ``cost`` (n, k) of the rows that were tuned on, and their ``cluster`` (n,)."""

    quality: FloatArray
    cost: FloatArray
    cluster: IntArray


@dataclass(frozen=True)
class Fit:
    """Everything fitted on one table. ``options`` by name; ``chosen`` is the one fitting would ship."""

    selection: Selection
    options: Mapping[str, Option]
    chosen: str
    fixed_mixture: Frontier
    rows: int
    dropped: int
    tuning: TuningRows = field(repr=False)
    notes: tuple[str, ...] = ()
    why: str = ""
    """Why ``chosen`` was, in one sentence."""
    questions: frozenset[str] = field(default=frozenset(), repr=False)
    """Hashes of the questions fitted on (``outcomes.splits.group_hashes``), to notice them in a test."""
    guard_level: float = 0.95
    """How sure the guard had to be."""

    @property
    def cost_unit(self) -> CostUnit:
        """What costs are in."""
        return self.fixed_mixture.unit

    @property
    def option(self) -> Option:
        """The chosen option."""
        return self.options[self.chosen]

    def __repr__(self) -> str:
        names = ", ".join(self.selection.names)
        return f"Fit({self.chosen!r} of {len(self.options)} options, {self.rows:,} rows, candidates: {names})"


def without_mixing(fit: Fit) -> Fit:
    """The same, with the chosen option's targets met by single vertices: no query's draw matters.

    A budget is then met with some of it unspent: the loss is at most one hull segment's.
    """
    option = fit.option
    single = replace(option, frontier=replace(option.frontier, deterministic=True))
    return replace(fit, options={**fit.options, fit.chosen: single})


def router_of(fit: Fit, target: Target, *, seed: int, provenance: Mapping[str, Any]) -> FittedRouter:
    """The chosen option as a router for ``target``. TargetError where the target is out of reach."""
    option = fit.option
    option.frontier.at(target)
    about = {
        "chosen": fit.chosen,
        "rows": fit.rows,
        "dropped": fit.dropped,
        "questions": sorted(fit.questions),
        **provenance,
    }
    return FittedRouter(
        fit.selection.names, option.model, option.frontier, fit.fixed_mixture, target, seed, about
    )
