"""What can be evaluated: one fit with all its options, or routers as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from penstock.errors import InputError
from penstock.fitting.result import MIX, Fit
from penstock.outcomes.cost_unit import CostUnit
from penstock.policies.fixed import Fixed
from penstock.router.belief_model import BeliefModel
from penstock.router.frontier import Frontier
from penstock.router.router import FittedRouter


class Tuned(Protocol):
    """A policy with its estimates, tuned on fitting rows."""

    @property
    def model(self) -> BeliefModel: ...
    @property
    def frontier(self) -> Frontier: ...
    @property
    def unguarded(self) -> Frontier: ...
    @property
    def seconds(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class AsFitted:
    """A router's own option: fitted and tuned elsewhere, so nothing is known of the seconds it took."""

    model: BeliefModel
    frontier: Frontier
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def unguarded(self) -> Frontier:
        """What it serves: no other frontier is stored."""
        return self.frontier


@dataclass(frozen=True)
class Subject:
    """Options over the same candidates, by name, and the controls they are held against."""

    candidates: tuple[str, ...]
    best_fixed: str
    fixed_mixture: Frontier
    options: Mapping[str, Tuned]
    chosen: str
    rows: int
    dropped: int
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    questions: frozenset[str] = frozenset()

    @property
    def option(self) -> Tuned:
        """The chosen option."""
        return self.options[self.chosen]

    @property
    def cost_unit(self) -> CostUnit:
        """What costs are in."""
        return self.fixed_mixture.unit


def of_fit(fit: Fit) -> Subject:
    """Every option of a fit."""
    return Subject(
        candidates=fit.selection.names,
        best_fixed=fit.selection.best_fixed,
        fixed_mixture=fit.fixed_mixture,
        options=fit.options,
        chosen=fit.chosen,
        rows=fit.rows,
        dropped=fit.dropped,
        left_out=fit.selection.left_out,
        notes=fit.notes,
        questions=fit.questions,
    )


def of_routers(routers: Sequence[FittedRouter], names: Sequence[str] = ()) -> Subject:
    """Saved routers over the same candidates, the first one chosen, under ``names`` (default: what each fit
    chose). Raises ``InputError`` where they differ in candidates or cost unit, or two have one name."""
    first = routers[0]
    policy = first.frontier.best_fixed.policy
    assert isinstance(policy, Fixed)
    for other in routers[1:]:
        if other.candidates != first.candidates or other.cost_unit != first.cost_unit:
            raise InputError("routers are evaluated together where they have the same candidates and costs")
    called = list(names) or [str(r.provenance.get("chosen", MIX)) for r in routers]
    if len(set(called)) != len(routers):
        raise InputError("give every router a name of its own", field="names")
    return Subject(
        candidates=first.candidates,
        best_fixed=first.candidates[policy.candidate],
        fixed_mixture=first.fixed_mixture,
        options={n: AsFitted(r.model, r.frontier) for n, r in zip(called, routers, strict=True)},
        chosen=called[0],
        rows=int(first.provenance.get("rows", 0)),
        dropped=int(first.provenance.get("dropped", 0)),
        questions=frozenset(q for r in routers for q in r.provenance.get("questions", ())),
    )
