"""Numbers as people read them, and the footnotes for those that are not there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from penstock.report.markup import Markup, element, join

DASH = "–"
MINUS = "\u2212"
UNEXPLAINED = "undefined; no reason was recorded"


def defined(value: object) -> TypeGuard[float]:
    """Whether a number of an evaluation is there (null and NaN are not)."""
    return isinstance(value, int | float) and math.isfinite(value)


def share(value: float, digits: int = 1) -> str:
    """0.1234 -> 12.3%."""
    return f"{value * 100:.{digits}f}%".replace("-", MINUS)


def number(value: float, digits: int = 3) -> str:
    """A number with a fixed count of decimals."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """A difference, with its sign."""
    return f"+{number(value, digits)}" if value >= 0 else number(value, digits)


def pair_of(bounds: object) -> tuple[float, float] | None:
    """A confidence interval as two numbers; None where one is not there."""
    if not isinstance(bounds, Sequence) or len(bounds) != 2:
        return None
    low, high = bounds
    return (low, high) if defined(low) and defined(high) else None


def interval(bounds: object, percent: bool = True) -> str | None:
    """``[0.1, 0.2]`` -> ``10.0 to 20.0%``; None where there is none."""
    if (pair := pair_of(bounds)) is None:
        return None
    low, high = pair
    return f"{share(low)[:-1]} to {share(high)}" if percent else f"{number(low)} to {number(high)}"


def duration(seconds: float) -> str:
    """Seconds with the digits that matter."""
    if seconds < 0.001:
        return "< 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


@dataclass(frozen=True, slots=True)
class Money:
    """USD (or another ``label``) per so many queries, chosen once per evaluation so that all its costs can be
    compared."""

    queries: int
    decimals: int
    label: str = "USD"

    @classmethod
    def fit(cls, largest: float, label: str = "USD") -> Money:
        """The unit in which the largest cost is between a few cents and a few hundred dollars."""
        if largest <= 0:
            return cls(1, 2, label)
        per = next((n for n in (1, 1_000, 1_000_000) if largest * n >= 0.05), 1_000_000)
        shown = largest * per
        digits = max(2, min(6, 2 - math.floor(math.log10(shown))))
        return cls(per, digits if shown < 1_000 else 0, label)

    @property
    def sign(self) -> str:
        """What stands before an amount."""
        return "$" if self.label == "USD" else ""

    @property
    def unit(self) -> str:
        """What the numbers mean: the text of an axis or a column."""
        return (
            f"{self.label} per query" if self.queries == 1 else f"{self.label} per {self.queries:,} queries"
        )

    def amount(self, cost: float) -> str:
        """The cost in this unit, without its name."""
        shown = f"{abs(cost) * self.queries:,.{self.decimals}f}"
        return f"{'' if cost >= 0 else MINUS}{self.sign}{shown}"

    def bounds(self, pair: object) -> str | None:
        """An interval of costs; None where there is none."""
        bounds = pair_of(pair)
        return None if bounds is None else f"{self.amount(bounds[0])} to {self.amount(bounds[1])}"


@dataclass
class Footnotes:
    """The reasons for what is undefined, numbered as they come up."""

    prefix: str
    reasons: list[str] = field(default_factory=list)

    def missing(self, reason: str | None) -> Markup:
        """A dash that says why: by tooltip, and by footnote where a reason is known."""
        if reason is None:
            return element("span", DASH, title=UNEXPLAINED)
        if reason not in self.reasons:
            self.reasons.append(reason)
        place = self.reasons.index(reason) + 1
        link = element("a", str(place), href=f"#{self.prefix}-note-{place}", aria_label=f"note {place}")
        return element("span", DASH, element("sup", link), title=reason)

    def render(self) -> Markup | None:
        """The list of all reasons given so far."""
        if not self.reasons:
            return None
        items = (
            element("li", reason, id=f"{self.prefix}-note-{place}")
            for place, reason in enumerate(self.reasons, start=1)
        )
        return element("ol", join(*items), class_="notes")


def reason_for(owner: Mapping[str, Any], key: str) -> str | None:
    """Why ``owner[key]`` is null: ``owner["<key>_reason"]``, or the key's entry in ``owner["reasons"]``."""
    reasons = owner.get("reasons")
    listed = reasons.get(key) if isinstance(reasons, Mapping) else None
    found = owner.get(f"{key}_reason", listed) or owner.get("reason")
    return None if found is None else str(found)
