"""What fitting returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.fitting.select_candidates import Selection
from penstock.fitting.sweep import Swept
from penstock.outcomes.cost_unit import CostUnit
from penstock.policies.fixed import Fixed
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Frontier
from penstock.router.router import Router
from penstock.router.targets import Target
from penstock.types import FloatArray, IntArray

MIX = "mix/mean"


@dataclass(frozen=True)
class Option:
    """One policy with one estimator, tuned: ``frontier`` guarded, ``unguarded`` as tuned.

    ``kept`` of ``tried`` points cleared the guard; ``area`` is the guarded frontier's mean quality over the
    cost range, on tuning rows: what options are compared by.
    """

    name: str
    belief: BeliefModel
    frontier: Frontier
    unguarded: Frontier
    kept: int
    tried: int
    area: float
    seconds: Mapping[str, float]
    vertices: Swept | None = field(default=None, repr=False)
    """The guarded frontier's vertices on every tuning row; None for a router read from disk."""


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
    mix: Frontier
    rows: int
    dropped: int
    notes: tuple[str, ...] = ()
    why: str = ""
    """Why ``chosen`` was, in one sentence."""
    tuning: TuningRows | None = field(default=None, repr=False)
    questions: frozenset[str] = field(default=frozenset(), repr=False)
    """Marks of the questions fitted on (``outcomes.splits.question_marks``), to notice them in a test."""
    confidence: float = 0.95
    """With which options had to be above the mix."""

    @property
    def cost_unit(self) -> CostUnit:
        """What costs are in."""
        return self.mix.unit

    @property
    def option(self) -> Option:
        """The chosen option."""
        return self.options[self.chosen]


def without_mixing(fit: Fit) -> Fit:
    """The same, with the chosen option's targets met by single vertices: no query's draw matters.

    A budget is then met with some of it unspent: the loss is at most one hull segment's.
    """
    option = fit.option
    single = replace(option, frontier=replace(option.frontier, deterministic=True))
    return replace(fit, options={**fit.options, fit.chosen: single})


def router_of(fit: Fit, target: Target, *, seed: int, provenance: Mapping[str, Any]) -> Router:
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
    return Router(fit.selection.names, option.belief, option.frontier, fit.mix, target, seed, about)


def fit_of(router: Router) -> Fit:
    """A saved router as a fit of one option, for evaluation."""
    policy = router.frontier.best_fixed.policy
    assert isinstance(policy, Fixed)
    name = str(router.provenance.get("chosen", MIX))
    option = Option(name, router.belief, router.frontier, router.frontier, 0, 0, 0.0, {})
    selection = Selection(router.candidates, router.candidates[policy.candidate], {})
    rows, dropped = int(router.provenance.get("rows", 0)), int(router.provenance.get("dropped", 0))
    questions = frozenset(router.provenance.get("questions", ()))
    return Fit(selection, {name: option}, name, router.mix, rows, dropped, questions=questions)
