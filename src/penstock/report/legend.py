"""The legend of a chart: one box to tick per curve, working without any script."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.report.curves import DrawnCurve
from penstock.report.markup import Markup, element, join


def legend(curves: Sequence[DrawnCurve]) -> Markup:
    """The chosen policy first, then in drawing order."""
    entries = []
    for index, curve in sorted(enumerate(curves), key=lambda pair: pair[1].kind != "chosen"):
        box = element("input", type="checkbox", checked=curve.shown, class_=f"toggle-{index}")
        name = join(curve.name, " ", element("strong", "chosen")) if curve.kind == "chosen" else curve.name
        entries.append(element("label", box, _swatch(curve), element("span", name)))
    return element("figcaption", *entries, class_="legend", role="group", aria_label="Curves to show")


def toggle_rules(most: int) -> str:
    """CSS that hides curve i of a figure while its box is not ticked, for up to ``most`` curves.

    A browser without ``:has`` shows every curve, which is what it would do without a legend.
    """
    return "\n".join(
        f".chart:has(.toggle-{i}:not(:checked)) .curve-{i} {{ display: none }}" for i in range(most)
    )


def curve_class(curve: DrawnCurve) -> str:
    """The classes that give a curve its colour and dashes, in the chart and in the legend alike."""
    return f"curve {curve.kind} color-{curve.color}" if curve.kind == "other" else f"curve {curve.kind}"


def _swatch(curve: DrawnCurve) -> Markup:
    line = element("line", x1=1, x2=27, y1=6, y2=6)
    return element(
        "svg", line, class_=f"swatch {curve_class(curve)}", viewBox="0 0 28 12", aria_hidden="true"
    )
