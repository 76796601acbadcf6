"""The cost-quality chart: every control, every fixed candidate, every policy, the chosen one on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from penstock.report.axes import Axis, Plane, decimals_of, nice_ticks
from penstock.report.curves import DrawnCurve, Mark, Scene
from penstock.report.format import Money, number
from penstock.report.labels import Box, Label, place_labels, shorten
from penstock.report.legend import curve_class, legend
from penstock.report.markup import Markup, element

ROLE = {"best": " (best fixed)", "cheapest": " (cheapest)", "fixed": ""}


@dataclass(frozen=True, slots=True)
class Layout:
    """One drawing of the chart: for wide windows and paper, or for narrow ones."""

    name: str
    width: float
    height: float
    x_ticks: int
    label_limit: int


LAYOUTS = (Layout("wide", 960, 480, 7, 34), Layout("narrow", 400, 420, 3, 18))


def chart(evaluation: Mapping[str, Any], money: Money, prefix: str) -> Markup:
    """The figure with its legend and the notes about what it leaves out."""
    scene = Scene.of(evaluation)
    if scene is None:
        return element("p", "There is nothing to draw: no policy and no candidate has a cost and a quality.")
    drawings = [_draw(layout, scene, money, prefix) for layout in LAYOUTS]
    nameless = any(None in _labels(layout, _plane(layout, scene), scene) for layout in LAYOUTS)
    remarks = []
    if scene.beyond:
        beyond = "; ".join(
            f"{m.name}: {money.amount(m.cost)}, quality {number(m.quality)}" for m in scene.beyond
        )
        remarks.append(f"Dearer than the chart is wide: {beyond}.")
    if nameless:
        remarks.append("Some points have no room for their name: point at them, or see the table.")
    return element(
        "figure",
        *drawings,
        legend(scene.curves),
        *(element("p", remark, class_="remark") for remark in remarks),
        class_="chart",
    )


def _draw(layout: Layout, scene: Scene, money: Money, prefix: str) -> Markup:
    plane = _plane(layout, scene)
    labels = _labels(layout, plane, scene)
    identity = f"{prefix}-{layout.name}"
    inside = element("rect", x=plane.left, y=0, width=plane.width, height=plane.height - plane.bottom + 6)
    lines = (_curve(plane, i, curve, scene.end, money) for i, curve in enumerate(scene.curves))
    return element(
        "svg",
        element("title", "Quality against cost", id=f"{identity}-title"),
        element("desc", _description(scene, money), id=f"{identity}-desc"),
        element("clipPath", inside, id=f"{identity}-clip"),
        _axes(plane, layout, money),
        *(_level(plane, mark) for mark in scene.marks if mark.kind == "best"),
        element("g", _gain(plane, scene), *lines, clip_path=f"url(#{identity}-clip)"),
        *(_leader(plane, label, mark) for label, mark in zip(labels, scene.marks, strict=True) if label),
        *(_mark(plane, mark, money) for mark in scene.marks),
        *(_label(label, mark) for label, mark in zip(labels, scene.marks, strict=True) if label),
        class_=f"plot {layout.name}",
        viewBox=f"0 0 {layout.width:g} {layout.height:g}",
        role="img",
        aria_labelledby=f"{identity}-title {identity}-desc",
        xmlns="http://www.w3.org/2000/svg",
    )


def _plane(layout: Layout, scene: Scene) -> Plane:
    drawn = [q for curve in scene.curves for cost, q in curve.points if cost <= scene.limit]
    qualities = [mark.quality for mark in scene.marks] + drawn or [0.0, 1.0]
    low, high = min(qualities), max(qualities)
    room = (high - low) * 0.07 if high - low > 0.02 else 0.05
    # Labels stand right of most points, so the dearest one gets some room there.
    width = (scene.limit or 1.0) * 1.08
    return Plane(layout.width, layout.height, 0.0, width, low - room, min(high + room, 1.015))


def _axes(plane: Plane, layout: Layout, money: Money) -> Markup:
    shown = nice_ticks(0, plane.x_high * money.queries, layout.x_ticks)
    heights = nice_ticks(plane.y_low, min(plane.y_high, 1.0), 8)  # no quality is above 1
    x_digits, y_digits = decimals_of(shown), decimals_of(heights)
    return plane.axes(
        Axis(
            [t / money.queries for t in shown],
            lambda t: f"{money.sign}{t * money.queries:,.{x_digits}f}",
            f"cost ({money.unit})",
        ),
        Axis(heights, lambda t: number(t, y_digits), "mean quality"),
    )


def _labels(layout: Layout, plane: Plane, scene: Scene) -> list[Label | None]:
    points = [
        (plane.x(m.cost), plane.y(m.quality), shorten(m.name, layout.label_limit) + ROLE[m.kind])
        for m in scene.marks
    ]
    within = Box(plane.left + 2, plane.top - 8, plane.width - 2, plane.height - plane.bottom - 2)
    return place_labels(points, within, [p for c in scene.curves if c.shown for p in _along(plane, c)])


def _along(plane: Plane, curve: DrawnCurve, step: float = 6.0) -> list[tuple[float, float]]:
    """Points every few pixels along a curve, for labels to keep off."""
    corners = [(plane.x(a), plane.y(b)) for a, b in curve.points]
    found = corners[:1]
    for (x0, y0), (x1, y1) in pairwise(corners):
        pieces = max(1, int(max(abs(x1 - x0), abs(y1 - y0)) / step))
        found += [(x0 + (x1 - x0) * i / pieces, y0 + (y1 - y0) * i / pieces) for i in range(1, pieces + 1)]
    return found


def _curve(plane: Plane, index: int, curve: DrawnCurve, end: float, money: Money) -> Markup:
    line = element("polyline", element("title", curve.name), points=plane.path(curve.until(end)))
    dotted = curve.kind == "chosen" or len(curve.points) == 1
    dots = [
        element(
            "circle",
            element("title", f"{curve.name}: {money.amount(cost)}, quality {number(quality)}"),
            cx=plane.x(cost),
            cy=plane.y(quality),
            r=3,
        )
        for cost, quality in (curve.points if dotted else ())
    ]
    return element("g", line, *dots, class_=f"{curve_class(curve)} curve-{index}")


def _gain(plane: Plane, scene: Scene) -> Markup | None:
    """The area between the chosen policy and the fitted mix: what fitting has bought."""
    by_kind = {curve.kind: (index, curve) for index, curve in enumerate(scene.curves)}
    if "chosen" not in by_kind or "mix" not in by_kind:
        return None
    index, chosen = by_kind["chosen"]
    outline = [*chosen.until(scene.end), *reversed(by_kind["mix"][1].until(scene.end))]
    return element("polygon", points=plane.path(outline), class_=f"gain curve-{index}")


def _level(plane: Plane, best: Mark) -> Markup:
    y, edge = plane.y(best.quality), plane.width - plane.right
    return element("line", x1=plane.left, x2=edge, y1=y, y2=y, class_="level", aria_hidden="true")


def _mark(plane: Plane, mark: Mark, money: Money) -> Markup:
    x, y = plane.x(mark.cost), plane.y(mark.quality)
    title = element("title", f"{mark.name}: {money.amount(mark.cost)}, quality {number(mark.quality)}")
    if mark.kind == "best":
        corners = ((x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y))
        shape = element("polygon", title, points=" ".join(f"{a:.1f},{b:.1f}" for a, b in corners))
    else:
        shape = element("circle", title, cx=x, cy=y, r=5.5 if mark.kind == "cheapest" else 4)
    return element("g", shape, class_=f"mark {mark.kind}")


def _label(label: Label, mark: Mark) -> Markup:
    return element(
        "text", label.text, x=label.x, y=label.y, text_anchor=label.anchor, class_=f"label {mark.kind}"
    )


def _leader(plane: Plane, label: Label, mark: Mark) -> Markup | None:
    if label.leader is None:
        return None
    x, y = label.leader
    return element("line", x1=plane.x(mark.cost), y1=plane.y(mark.quality), x2=x, y2=y, class_="leader")


def _description(scene: Scene, money: Money) -> str:
    points = "; ".join(
        f"{m.name}{ROLE[m.kind]} costs {money.amount(m.cost)} at quality {number(m.quality)}"
        for m in scene.marks
    )
    lines = ", ".join(f"{c.name}{' (chosen)' if c.kind == 'chosen' else ''}" for c in scene.curves)
    return f"Costs in {money.unit}. Curves: {lines or 'none'}. Fixed candidates: {points or 'none'}."
