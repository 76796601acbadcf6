"""What notebooks show: small tables, and a router's frontier as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from penstock.router.frontier import Frontier, OperatingPoint

_WIDTH, _HEIGHT, _MARGIN = 420, 240, 44


def table(rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    """Rows of equal keys as an HTML table."""
    if not rows:
        return f"<p>{escape(caption)}</p>"
    head = "".join(f"<th>{escape(str(key))}</th>" for key in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_said(value))}</td>" for value in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


def frontier(served: Frontier, fixed: Frontier, at: OperatingPoint, unit: str) -> str:
    """Quality against cost per query: what is served, the fixed candidates' mixture, and where it stands."""
    points = [*served.points, *fixed.points]
    x = _scale([p.cost for p in points], _MARGIN, _WIDTH - 10)
    y = _scale([p.quality for p in points], _HEIGHT - _MARGIN, 10)
    label = f"at {at.cost:.3g} {unit} and quality {at.quality:.3f}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" font-size="11" '
        f'fill="none" font-family="sans-serif"><title>{escape(label)}</title>'
        f"{_line(fixed, x, y, '#999')}{_line(served, x, y, '#06c')}"
        f'<circle cx="{x(at.cost):.1f}" cy="{y(at.quality):.1f}" r="4" fill="#06c"/>'
        f"{_axis(points, x, y, unit)}</svg>"
    )


def _scale(values: Sequence[float], low: float, high: float) -> Any:
    least, most = min(values), max(values)
    span = (most - least) or 1.0
    return lambda value: low + (value - least) / span * (high - low)


def _line(shown: Frontier, x: Any, y: Any, colour: str) -> str:
    places = " ".join(f"{x(p.cost):.1f},{y(p.quality):.1f}" for p in shown.points)
    dots = "".join(
        f'<circle cx="{x(p.cost):.1f}" cy="{y(p.quality):.1f}" r="2" fill="{colour}"/>' for p in shown.points
    )
    return f'<polyline points="{places}" stroke="{colour}"/>{dots}'


def _axis(points: Sequence[OperatingPoint], x: Any, y: Any, unit: str) -> str:
    cost, quality = [p.cost for p in points], [p.quality for p in points]
    words = [
        (x(min(cost)), _HEIGHT - _MARGIN + 16, "start", f"{min(cost):.3g}"),
        (x(max(cost)), _HEIGHT - _MARGIN + 16, "end", f"{max(cost):.3g} {unit} per query"),
        (_MARGIN - 6, y(min(quality)), "end", f"{min(quality):.2f}"),
        (_MARGIN - 6, y(max(quality)) + 8, "end", f"{max(quality):.2f}"),
        (_MARGIN, _HEIGHT - 8, "start", "blue: this router; grey: fixed candidates, mixed"),
    ]
    return "".join(
        f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}" fill="#777">{escape(text)}</text>'
        for left, top, anchor, text in words
    )


def _said(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
