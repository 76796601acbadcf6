"""The plane of a chart: scales, ticks and grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock.report.markup import Markup, element, join


def nice_ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten apart) that lie in [low, high]."""
    if not high > low:
        return [low]
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def decimals_of(ticks: Sequence[float]) -> int:
    """How many decimals the labels of these ticks need to differ."""
    if len(ticks) < 2:
        return 2
    step = ticks[1] - ticks[0]
    return next((d for d in range(7) if math.isclose(step, round(step, d), rel_tol=1e-6)), 6)


@dataclass(frozen=True, slots=True)
class Axis:
    """Where an axis has ticks, what stands at them, and its name."""

    ticks: Sequence[float]
    text: Callable[[float], str]
    title: str


@dataclass(frozen=True, slots=True)
class Plane:
    """A drawing of ``width`` x ``height`` pixels whose inside shows [x_low, x_high] x [y_low, y_high]."""

    width: float
    height: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    left: float = 56.0
    right: float = 16.0
    top: float = 14.0
    bottom: float = 46.0

    def x(self, value: float) -> float:
        """Pixels from the left."""
        inner = self.width - self.left - self.right
        return self.left + inner * (value - self.x_low) / (self.x_high - self.x_low)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        inner = self.height - self.top - self.bottom
        return self.height - self.bottom - inner * (value - self.y_low) / (self.y_high - self.y_low)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """The ``points`` attribute of a line through data points."""
        return " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in points)

    def axes(self, x: Axis, y: Axis) -> Markup:
        """OutcomeMatrix lines, tick labels and the names of both axes."""
        floor, edge = self.height - self.bottom, self.width - self.right
        across = [
            join(
                element("line", x1=self.left, x2=edge, y1=self.y(t), y2=self.y(t)),
                element("text", y.text(t), x=self.left - 8, y=self.y(t) + 4, text_anchor="end"),
            )
            for t in y.ticks
        ]
        along = [
            join(
                element("line", x1=self.x(t), x2=self.x(t), y1=floor, y2=floor + 4, class_="tick"),
                element("text", x.text(t), x=self.x(t), y=floor + 18, text_anchor="middle"),
            )
            for t in x.ticks
        ]
        across_middle, up_middle = (self.left + edge) / 2, (self.top + floor) / 2
        names = join(
            element("text", x.title, x=across_middle, y=self.height - 8, text_anchor="middle", class_="axis"),
            element(
                "text",
                y.title,
                x=14,
                y=up_middle,
                text_anchor="middle",
                class_="axis",
                transform=f"rotate(-90 14 {up_middle:.1f})",
            ),
        )
        return element("g", *across, *along, names, class_="axes", aria_hidden="true")
