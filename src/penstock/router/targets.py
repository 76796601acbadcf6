"""What an operator asks for: a budget or a quality, never a threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from penstock.errors import InputError


class TargetKind(StrEnum):
    """``budget``: mean USD per query at most. ``quality``: at least this share of the best fixed candidate's
    quality. ``savings``: at least this share of its cost saved. ``strong_share``: at most this share of
    queries calls it."""

    BUDGET = "budget"
    QUALITY = "quality"
    SAVINGS = "savings"
    STRONG_SHARE = "strong_share"


@dataclass(frozen=True, slots=True)
class Target:
    """One target; ``str`` gives the form the command line and the gateway read."""

    kind: TargetKind
    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise InputError(f"a target must be a finite number, not {self.value}", field=self.kind.value)
        low, high = _RANGES[self.kind]
        if not low <= self.value <= high:
            limits = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at least {low:g}"
            raise InputError(f"must be {limits}, not {self.value:g}", field=self.kind.value)

    def __str__(self) -> str:
        # every digit: bundles store this text, and a rounded budget may be above the one asked for
        return f"{self.kind.value}={float(self.value)!r}".removesuffix(".0")

    @classmethod
    def parse(cls, text: str) -> Target:
        """From ``budget=0.002``, ``quality=0.95``, ``savings=0.6`` or ``strong_share=0.3``."""
        name, _, value = text.partition("=")
        name = name.strip().replace("-", "_").removeprefix("min_")
        known = ", ".join(kind.value for kind in TargetKind)
        if name not in set(TargetKind):
            raise InputError(f"unknown target {text!r}; write one of {known} as NAME=NUMBER")
        try:
            number = float(value)
        except ValueError as error:
            raise InputError(f"target {text!r} has no number after '='", field=name) from error
        return cls(TargetKind(name), number)


_RANGES = {
    TargetKind.BUDGET: (0.0, math.inf),
    TargetKind.QUALITY: (0.0, math.inf),
    TargetKind.SAVINGS: (0.0, 1.0),
    TargetKind.STRONG_SHARE: (0.0, 1.0),
}
