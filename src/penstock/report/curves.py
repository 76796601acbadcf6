"""What one evaluation has to draw: its curves and its points, read from the evaluation's JSON object."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from penstock.report.format import defined

Kind = Literal["oracle", "hindsight", "mix", "other", "chosen"]
Points = tuple[tuple[float, float], ...]

SHOWN_OTHERS = 5
"""So many policies beside the chosen one are drawn at first; the legend shows the rest."""

CONTROLS: tuple[tuple[str, Kind, str], ...] = (
    ("oracle", "oracle", "per-query oracle"),
    ("hindsight_mix", "hindsight", "hindsight mix"),
    ("mix", "mix", "fitted mix of fixed candidates"),
)


@dataclass(frozen=True, slots=True)
class DrawnCurve:
    """One frontier: points by rising cost (USD per query), and how it is drawn."""

    name: str
    kind: Kind
    points: Points
    shown: bool = True
    color: int = 0

    def until(self, cost: float) -> Points:
        """The curve as its area is measured: flat from its last point to ``cost``."""
        last_cost, last_quality = self.points[-1]
        return self.points if last_cost >= cost else (*self.points, (cost, last_quality))


@dataclass(frozen=True, slots=True)
class Mark:
    """One fixed candidate, or a control that is a single point."""

    name: str
    kind: Literal["cheapest", "best", "fixed"]
    cost: float
    quality: float


BEYOND = 2.5
"""A chart ends at so many times the cost of the best fixed candidate; what is dearer is named below it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that one chart shows: ``marks`` cost at most ``limit`` (USD per query), ``beyond`` cost more.

    Curves are drawn until ``end``, the cost of the best fixed candidate, at least.
    """

    curves: tuple[DrawnCurve, ...]
    marks: tuple[Mark, ...]
    beyond: tuple[Mark, ...]
    limit: float
    end: float

    @classmethod
    def of(cls, evaluation: Mapping[str, Any]) -> Scene | None:
        """The scene of one evaluation; None where it has nothing to draw."""
        curves, marks = curves_of(evaluation), marks_of(evaluation)
        costs = [m.cost for m in marks] + [cost for c in curves for cost, _ in c.points]
        if not costs:
            return None
        best = next((m.cost for m in marks if m.kind == "best" and m.cost > 0), None)
        limit = max(costs) if best is None else min(max(costs), BEYOND * best)
        return cls(
            tuple(curves),
            tuple(m for m in marks if m.cost <= limit),
            tuple(m for m in marks if m.cost > limit),
            limit,
            0.0 if best is None else best,
        )


def curves_of(evaluation: Mapping[str, Any]) -> list[DrawnCurve]:
    """Every curve that has points, in drawing order: controls, other policies, the chosen one on top."""
    controls, policies = evaluation["controls"], evaluation["policies"]
    chosen = evaluation.get("chosen")
    curves = [DrawnCurve(name, kind, _frontier(controls.get(key))) for key, kind, name in CONTROLS]
    for rank, name in enumerate(by_area(policies, without=chosen)):
        points = _frontier(policies[name])
        curves.append(DrawnCurve(name, "other", points, shown=rank < SHOWN_OTHERS, color=rank % 8))
    if chosen in policies:
        curves.append(DrawnCurve(str(chosen), "chosen", _frontier(policies[chosen])))
    return [curve for curve in curves if curve.points]


def marks_of(evaluation: Mapping[str, Any]) -> list[Mark]:
    """Every point, the important ones first: best fixed, cheapest, then the fixed candidates."""
    controls, best_name = evaluation["controls"], evaluation.get("best_fixed")
    listed = [Mark(str(p["name"]), "fixed", p["cost"], p["quality"]) for p in _placed(controls.get("fixed"))]
    best = next((m for m in listed if m.name == best_name), None) or _single(
        controls, "best_fixed", best_name
    )
    cheapest = _single(controls, "cheapest", None)
    if cheapest is not None:
        same = next((m for m in listed if _coincide(m, cheapest)), cheapest)
        cheapest = None if best is not None and _coincide(best, same) else same
    marks = [] if best is None else [Mark(best.name, "best", best.cost, best.quality)]
    if cheapest is not None:
        marks.append(Mark(cheapest.name, "cheapest", cheapest.cost, cheapest.quality))
    special = {mark.name for mark in marks}
    return marks + sorted((m for m in listed if m.name not in special), key=lambda m: -m.quality)


def _coincide(a: Mark, b: Mark) -> bool:
    """Whether two points are one, computed in two places."""
    return math.isclose(a.cost, b.cost, rel_tol=1e-9) and math.isclose(a.quality, b.quality, rel_tol=1e-9)


def by_area(policies: Mapping[str, Any], without: object = None) -> list[str]:
    """Names of policies, the largest area under the curve first, undefined ones last."""

    def rank(name: str) -> tuple[float, str]:
        auc = policies[name].get("auc")
        return (-auc if defined(auc) else float("inf"), name)

    return sorted((name for name in policies if name != without), key=rank)


def _frontier(owner: object) -> Points:
    points = _placed(owner.get("frontier")) if isinstance(owner, Mapping) else []
    return tuple(sorted((float(p["cost"]), float(p["quality"])) for p in points))


def _placed(points: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    return [p for p in points or () if defined(p.get("cost")) and defined(p.get("quality"))]


def _single(controls: Mapping[str, Any], key: str, name: object) -> Mark | None:
    point = controls.get(key)
    if not isinstance(point, Mapping) or not _placed([point]):
        return None
    shown = name or point.get("name") or key.replace("_", " ")
    return Mark(str(shown), "fixed", float(point["cost"]), float(point["quality"]))
