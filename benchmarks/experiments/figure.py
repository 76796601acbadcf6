"""Line charts as stand-alone SVG, small multiples side by side, light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from penstock.report.axes import Axis, Plane, decimals_of, nice_ticks
from penstock.report.markup import Markup, element, raw
from penstock.types import FloatArray

Line = tuple[Sequence[float] | FloatArray, Sequence[float] | FloatArray]

_STYLE = """
svg { background: #ffffff; font-family: system-ui, "Segoe UI", Roboto, Arial, sans-serif }
text { fill: #16202c; font-size: 12px } .name { font-weight: 650; font-size: 13px }
.axes line { stroke: #e3e8ee } .axes .tick { stroke: #566273 } .axes text { fill: #566273 }
polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round } .dashed { stroke-dasharray: 6 4 }
.c0 { stroke: #6b7685 } .c1 { stroke: #1d5fd1 } .c2 { stroke: #b3541e } .c3 { stroke: #7a4fc4 }
.c4 { stroke: #b0306a } .c5 { stroke: #6c7a12 } .c6 { stroke: #0f7ea8 } .c7 { stroke: #11734b }
.c8 { stroke: #8a5a2b } .c9 { stroke: #16202c }
@media (prefers-color-scheme: dark) {
svg { background: #10151c } text { fill: #e6ebf2 } .axes line { stroke: #253040 } .axes text { fill: #9daabb }
.c0 { stroke: #98a5b6 } .c1 { stroke: #6ea8ff } .c2 { stroke: #f0996a } .c3 { stroke: #b79bf5 }
.c4 { stroke: #f07fb0 } .c5 { stroke: #bccb5c } .c6 { stroke: #5cc3ea } .c7 { stroke: #5fd39b }
.c8 { stroke: #d0a176 } .c9 { stroke: #e6ebf2 } }
"""
WIDTH, HEIGHT = 420.0, 330.0
PER_ROW = 3


@dataclass(frozen=True)
class Panel:
    """One plane: ``lines`` by name; logarithmic axes take positive numbers. Names in ``dashed`` are."""

    title: str
    x: str
    y: str
    lines: Mapping[str, Line]
    log_x: bool = False
    log_y: bool = False
    dashed: frozenset[str] = frozenset({"oracle", "bound", "linear interpolation"})


def figure(title: str, panels: Sequence[Panel]) -> str:
    """An SVG document with one legend for all panels."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    color = {name: f"c{i % 10}" for i, name in enumerate(names)}
    across = min(PER_ROW, len(panels))
    down = math.ceil(len(panels) / across)
    per_line = max(1, int(across * WIDTH // 280))
    legend_height = 20.0 * math.ceil(len(names) / per_line) + 16.0
    drawings = [
        element(
            "g",
            _panel(panel, color),
            transform=f"translate({i % across * WIDTH:g} {24 + i // across * HEIGHT:g})",
        )
        for i, panel in enumerate(panels)
    ]
    dashed = {name for panel in panels for name in panel.dashed}
    legend = [
        element(
            "g",
            element(
                "polyline", points="0,0 26,0", class_=color[name] + (" dashed" if name in dashed else "")
            ),
            element("text", name, x=34, y=4),
            transform=f"translate({20 + i % per_line * 280:g} {down * HEIGHT + 40 + i // per_line * 20:g})",
        )
        for i, name in enumerate(names)
    ]
    height = 24 + down * HEIGHT + legend_height + 16
    svg = element(
        "svg",
        element("title", title),
        element("style", raw(_STYLE)),
        element("text", title, x=16, y=18, class_="name"),
        *drawings,
        *legend,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {across * WIDTH:g} {height:g}",
        role="img",
    )
    return svg + "\n"


def _panel(panel: Panel, color: Mapping[str, str]) -> Markup:
    points = {
        name: [
            (_scaled(float(x), panel.log_x), _scaled(float(y), panel.log_y))
            for x, y in zip(*line, strict=True)
        ]
        for name, line in panel.lines.items()
    }
    xs = [x for line in points.values() for x, _ in line]
    ys = [y for line in points.values() for _, y in line]
    room = (max(ys) - min(ys)) * 0.05 or 0.05
    wide = (max(xs) - min(xs)) or 1.0
    plane = Plane(WIDTH, HEIGHT, min(xs), min(xs) + wide, min(ys) - room, max(ys) + room, left=64.0, top=26.0)
    return element(
        "g",
        element("text", panel.title, x=plane.left, y=16, class_="name"),
        plane.axes(
            _axis(plane.x_low, plane.x_high, panel.x, panel.log_x),
            _axis(plane.y_low, plane.y_high, panel.y, panel.log_y),
        ),
        *(
            element(
                "polyline",
                element("title", name),
                points=plane.path(sorted(line, key=lambda point: point[0])),
                class_=color[name] + (" dashed" if name in panel.dashed else ""),
            )
            for name, line in points.items()
        ),
    )


def _axis(low: float, high: float, title: str, log: bool) -> Axis:
    if log:
        ticks = [float(t) for t in range(math.ceil(low), math.floor(high) + 1)]
        if len(ticks) < 2:
            ticks = nice_ticks(low, high, 4)
        return Axis(ticks, lambda t: f"{10**t:,.4g}", title)
    ticks = nice_ticks(low, high, 5)
    decimals = decimals_of(ticks)
    return Axis(ticks, lambda t: f"{t:.{decimals}f}", title)


def _scaled(value: float, log: bool) -> float:
    return math.log10(value) if log else value


def clipped(line: tuple[FloatArray, FloatArray], right: float) -> tuple[FloatArray, FloatArray]:
    """The part of a curve up to ``right``, at least its first point."""
    order = np.argsort(line[0], kind="stable")
    x, y = line[0][order], line[1][order]
    inside = x <= right * 1.02
    inside[0] = True
    return x[inside], y[inside]
