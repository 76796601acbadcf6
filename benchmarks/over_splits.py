"""How sure the mean over seeded splits of one table is.

Splits share rows, so their results are not independent: the spread over splits alone would be too small, the
error within one split is too large. Nadeau & Bengio's corrected variance (Machine Learning 52, 2003) is
(1/J + n_test/n_fit) times the sample variance over J splits; intervals are Student's with J - 1 degrees of
freedom. With fewer than five splits the mean is taken to be as uncertain as one split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, variance

FITTING = 0.7
"""Share of the rows that a split fits on."""
SEVERAL = 5


@dataclass(frozen=True)
class OverSplits:
    """The ``mean`` over ``splits``, its standard ``error``."""

    mean: float
    error: float
    splits: int

    def margin(self, tail: float) -> float:
        """By how much the truth lies beyond the mean, on one side, with probability ``tail`` at most."""
        if self.splits < SEVERAL:
            return NormalDist().inv_cdf(1 - tail) * self.error
        from scipy.stats import t

        return float(t.ppf(1 - tail, self.splits - 1)) * self.error

    def above(self, tail: float) -> bool:
        """Clearly above zero; a difference without any spread shows nothing."""
        return self.mean > 0 and self.mean > self.margin(tail)

    def below(self, tail: float) -> bool:
        """Clearly below zero."""
        return self.mean < 0 and -self.mean > self.margin(tail)

    def __str__(self) -> str:
        return f"{100 * self.mean:+.2f} ± {100 * self.error:.2f}"


def over_splits(found: Sequence[tuple[float, float]]) -> OverSplits:
    """Of (value, standard error within the split), one for each split."""
    values = [value for value, _ in found]
    if len(values) < SEVERAL:
        return OverSplits(fmean(values), fmean(error for _, error in found), len(values))
    factor = 1 / len(values) + (1 - FITTING) / FITTING
    return OverSplits(fmean(values), sqrt(factor * variance(values)), len(values))
