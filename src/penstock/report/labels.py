"""Where to write the names of points so that they cover neither each other nor the points."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether two rectangles share area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


@dataclass(frozen=True, slots=True)
class Label:
    """A name at its place: (x, y) is the anchor on the baseline; ``box`` is what it covers.

    ``leader`` is where a line from the point should end, for a name that stands away from it.
    """

    text: str
    x: float
    y: float
    anchor: Anchor
    box: Box
    leader: tuple[float, float] | None = None


def width_of(text: str, size: float) -> float:
    """Rough width in pixels of text in a sans-serif face; a little too wide rather than too narrow."""
    ems = sum(1.05 if unicodedata.east_asian_width(c) in "WF" else 0.59 for c in text)
    return ems * size


def shorten(text: str, limit: int) -> str:
    """The text, without its middle where it is longer than ``limit``: both ends of a model's name matter."""
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def place_labels(
    points: Sequence[tuple[float, float, str]],
    within: Box,
    avoid: Sequence[tuple[float, float]] = (),
    *,
    size: float = 12.0,
    radius: float = 5.0,
) -> list[Label | None]:
    """One label per point ``(x, y, text)`` in order of importance; None where nothing is free.

    Labels keep inside ``within``, never overlap each other or any point, and prefer places that are near and
    hold few of the ``avoid`` points (the curves).
    """
    marks = [Box(x - radius, y - radius, x + radius, y + radius) for x, y, _ in points]
    placed: list[Label | None] = []
    for x, y, text in points:
        taken = marks + [label.box for label in placed if label is not None]
        best: tuple[float, Label] | None = None
        for distance, label in _places(x, y, text, size, radius):
            box = label.box
            inside = box.left >= within.left and box.right <= within.right
            if not inside or box.top < within.top or box.bottom > within.bottom:
                continue
            if any(box.overlaps(other) for other in taken):
                continue
            cost = distance + 2.0 * sum(box.holds(*point) for point in avoid)
            if best is None or cost < best[0]:
                best = cost, label
        placed.append(None if best is None else best[1])
    return placed


def _places(x: float, y: float, text: str, size: float, radius: float) -> list[tuple[float, Label]]:
    """Places around a point with their distance, near ones first; right before left, below before above."""
    width, places = width_of(text, size), []
    for ring in range(5):
        gap = radius + 3.0 + ring * size * 0.9
        lift = ring * size * 0.9
        for rank, (dx, dy, anchor) in enumerate(_around(gap, lift, size, radius)):
            left = x + dx - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            box = Box(left, y + dy - size * 0.85, left + width, y + dy + size * 0.3)
            leader = (min(max(x, box.left), box.right), min(max(y, box.top + 2), box.bottom - 2))
            label = Label(text, x + dx, y + dy, anchor, box, leader if ring else None)
            places.append((ring * 10.0 + rank * 0.5, label))
    return places


def _around(gap: float, lift: float, size: float, radius: float) -> tuple[tuple[float, float, Anchor], ...]:
    side, middle = radius + 3.0 + lift * 0.3, size * 0.35
    return (
        (side, middle + lift, "start"),
        (side, middle - lift, "start"),
        (-side, middle + lift, "end"),
        (-side, middle - lift, "end"),
        (0.0, gap + size * 0.8, "middle"),
        (0.0, -gap, "middle"),
        (side, gap + size * 0.5, "start"),
        (side, -gap, "start"),
        (-side, gap + size * 0.5, "end"),
        (-side, -gap, "end"),
    )
