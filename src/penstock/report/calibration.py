"""Reliability diagrams: what an estimator predicted against what was observed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from penstock.report.axes import Axis, Plane
from penstock.report.format import Footnotes, defined, number, reason_for
from penstock.report.markup import Markup, element, join

SIDE = 240.0
LARGEST = 11.0
"""Radius in pixels of the bin that holds the most predictions."""


def reliability(calibration: Mapping[str, Any], notes: Footnotes, prefix: str) -> Markup | None:
    """One small diagram per estimator, side by side."""
    if not calibration:
        return None
    figures = (
        _figure(str(name), entry, notes, f"{prefix}-reliability-{place}")
        for place, (name, entry) in enumerate(calibration.items())
    )
    return element("div", *figures, class_="diagrams")


def _figure(name: str, entry: Mapping[str, Any], notes: Footnotes, identity: str) -> Markup:
    bins = [
        b
        for b in entry.get("reliability") or ()
        if defined(b.get("predicted")) and defined(b.get("observed"))
    ]
    scores = join(
        "ECE ",
        _score(entry, "ece", notes),
        " · Brier ",
        _score(entry, "brier", notes),
    )
    caption = element("figcaption", element("strong", name), element("span", scores))
    if not bins:
        return element("figure", caption, element("p", "No predictions to draw.", class_="remark"))
    return element("figure", _diagram(name, bins, identity), caption)


def _score(entry: Mapping[str, Any], key: str, notes: Footnotes) -> str | Markup:
    value = entry.get(key)
    return number(value) if defined(value) else notes.missing(reason_for(entry, key))


def _diagram(name: str, bins: list[Mapping[str, Any]], identity: str) -> Markup:
    plane = Plane(SIDE, SIDE, 0.0, 1.0, 0.0, 1.0, left=48.0, right=12.0, top=12.0, bottom=44.0)
    ordered = sorted(bins, key=lambda b: b["predicted"])
    line = plane.path([(b["predicted"], b["observed"]) for b in ordered])
    halves = (0.0, 0.5, 1.0)
    axes = plane.axes(
        Axis(halves, "{:g}".format, "predicted quality"), Axis(halves, "{:g}".format, "observed quality")
    )
    most = max((b.get("count") or 1) for b in ordered)
    told = "; ".join(f"{number(b['predicted'], 2)} gave {number(b['observed'], 2)}" for b in ordered)
    return element(
        "svg",
        element("title", f"Reliability of {name}", id=f"{identity}-title"),
        element("desc", f"Predicted quality, and the quality observed: {told}.", id=f"{identity}-desc"),
        axes,
        element("line", x1=plane.x(0), y1=plane.y(0), x2=plane.x(1), y2=plane.y(1), class_="diagonal"),
        element("polyline", points=line, class_="reliable"),
        *(_bin(plane, b, most) for b in ordered),
        class_="diagram",
        viewBox=f"0 0 {SIDE:g} {SIDE:g}",
        role="img",
        aria_labelledby=f"{identity}-title {identity}-desc",
        xmlns="http://www.w3.org/2000/svg",
    )


def _bin(plane: Plane, held: Mapping[str, Any], most: float) -> Markup:
    count = held.get("count") or 1
    told = (
        f"predicted {number(held['predicted'])}, observed {number(held['observed'])}, {count:,} predictions"
    )
    return element(
        "circle",
        element("title", told),
        cx=plane.x(held["predicted"]),
        cy=plane.y(held["observed"]),
        r=max(2.5, LARGEST * math.sqrt(count / most)),
        class_="bin",
    )
