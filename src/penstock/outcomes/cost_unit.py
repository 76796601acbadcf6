"""What one unit of cost is: money, time, or a weighted sum of both.

Policies know costs as numbers; every lambda is a price of one unit and every budget a number of units. Money
that is accounted for (budgets of keys, the decision log) is always USD.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from penstock.errors import InputError
from penstock.types import FloatArray

_SUM = re.compile(r"usd\+(?P<weight>[^*]+)\*latency", re.ASCII)


@dataclass(frozen=True, slots=True)
class CostUnit:
    """``usd`` units per USD and ``latency`` units per second of waiting, both >= 0 and not both 0; ``str``
    gives the form that the command line reads. Latencies of a query's calls add up: they run one after
    another."""

    usd: float = 1.0
    latency: float = 0.0

    @classmethod
    def parse(cls, text: str) -> CostUnit:
        """From ``usd``, ``latency`` or ``usd+W*latency``, W in USD per second. InputError for anything
        else."""
        plain = text.replace(" ", "").lower()
        if plain == "usd":
            return USD
        if plain == "latency":
            return LATENCY
        found = _SUM.fullmatch(plain)
        try:
            weight = float(found["weight"]) if found else math.nan
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight > 0):
            raise InputError(
                f"{text!r} is no cost; write usd, latency, or usd+W*latency with W USD per second, above 0",
                field="--cost",
                hint="--cost usd+0.001*latency",
            )
        return cls(1.0, weight)

    def __str__(self) -> str:
        if not self.latency:
            return "usd"
        return "latency" if not self.usd else f"usd+{self.latency!r}*latency"

    @property
    def label(self) -> str:
        """As it stands behind a number."""
        if not self.latency:
            return "USD"
        return "s" if not self.usd else f"USD+{self.latency:g}*s"

    def of(self, usd: FloatArray, seconds: FloatArray) -> FloatArray:
        """Costs in this unit; NaN where a part that counts is unknown."""
        if not self.latency:
            return usd
        weighted: FloatArray = self.latency * seconds
        return weighted if not self.usd else self.usd * usd + weighted


USD = CostUnit()
LATENCY = CostUnit(usd=0.0, latency=1.0)
