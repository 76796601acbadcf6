"""Which normal form of answers makes agreement say most about who is right: decided on fitting rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from penstock.answers.canonical import (
    Normaliser,
    final_answer,
    final_exactly,
    listed_steps,
    short_text,
)
from penstock.answers.equivalence import NONE, normal_form, numbered, same_answer
from penstock.answers.extract import FUNCTION_WORDS, stated_answer, stated_exactly
from penstock.errors import InputError
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import BoolArray, FloatArray, IntArray

NORMALISERS: Mapping[str, Normaliser] = {
    "stated_answer": stated_answer,
    "short_text": short_text,
    "listed_steps": listed_steps(FUNCTION_WORDS),
    "stated_exactly": stated_exactly,
    "final_answer": final_answer,
    "final_exactly": final_exactly,
}
"""By name, as a bundle stores them. All but ``final_answer`` and ``final_exactly``, which read what a scorer
extracted, work on the text alone wherever there is one, as in the gateway."""

READS_THE_TABLE = frozenset({"final_answer", "final_exactly"})
_MARGIN = 1.1
LEAST_GAIN = 0.01
"""Nats per pair and query below which agreement is taken to say nothing."""
_LEAST_COVERAGE = 0.05
_FREEDOM = 3


@dataclass(frozen=True)
class NormaliserChoice:
    """``name`` in ``NORMALISERS``, None where agreement says nothing under any; ``why`` in one sentence.
    ``gains``: nats of who is right that "same answer" gives per pair and query; ``coverage``: the share of
    answers with a normal form."""

    name: str | None
    why: str
    gains: Mapping[str, float] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)


def normaliser(name: str) -> Normaliser:
    """The normaliser of this name; InputError for a name this version does not know."""
    if name not in NORMALISERS:
        raise InputError(f"must be one of {', '.join(NORMALISERS)}, not {name!r}", field="normaliser")
    return NORMALISERS[name]


def choose_normaliser(
    grid: OutcomeMatrix, names: Sequence[str] = tuple(NORMALISERS), *, rows: int = 2000
) -> NormaliserChoice:
    """Compare normalisers on a grid of fitting rows, on at most ``rows`` of them, evenly spread.

    One that reads the table's own extraction is chosen only where it gains 10% more than every one that reads
    the text: the gateway has nothing but text.
    """
    known = [(name, normaliser(name)) for name in names]
    if len(grid) > rows:
        grid = grid.rows(np.linspace(0, len(grid) - 1, rows).astype(np.int64))
    n, k = grid.quality.shape
    cells = [[grid.answer_of(i, j) for j in range(k)] for i in range(n)]
    seen = ~np.isnan(grid.quality)
    gains, coverage = dict[str, float](), dict[str, float]()
    for name, form in known:
        code = np.array([numbered([normal_form(a, form) for a in row]) for row in cells]).reshape(n, k)
        coverage[name] = float(((code != NONE) & seen).sum() / max(int(seen.sum()), 1))
        gains[name] = agreement_gain(code, grid.quality) if coverage[name] >= _LEAST_COVERAGE else 0.0
    return _chosen(gains, coverage)


def agreement_gain(code: IntArray, quality: FloatArray) -> float:
    """Nats per pair and query that "same answer" tells about which of the two are right (quality of at least
    a half): mutual information, Miller-Madow corrected, over all pairs. ``code`` (n, k) as by
    ``RecordedAnswers.codes``, ``quality`` (n, k) with NaN where unknown; 0 where there are no pairs."""
    right, seen = np.nan_to_num(quality) >= 0.5, ~np.isnan(quality)
    total, count = 0.0, 0
    for first in range(code.shape[1]):
        for second in range(first):
            both = seen[:, first] & seen[:, second]
            same = same_answer(code, first, second)[both]
            outcome = 2 * right[both, first] + right[both, second]
            total += _information(same, outcome)
            count += len(outcome)
    return max(total / count, 0.0) if count else 0.0


def _information(same: BoolArray, outcome: IntArray) -> float:
    """n times the corrected mutual information of one pair, in nats."""
    n = len(outcome)
    if not n:
        return 0.0
    table = np.bincount(4 * same + outcome, minlength=8).reshape(2, 4) / n
    by_chance = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True)
    some = table > 0
    return n * float((table[some] * np.log(table[some] / by_chance[some])).sum()) - _FREEDOM / 2


def _chosen(gains: Mapping[str, float], coverage: Mapping[str, float]) -> NormaliserChoice:
    worth = {name: g / (_MARGIN if name in READS_THE_TABLE else 1.0) for name, g in gains.items()}
    best = max(worth, key=lambda name: worth[name], default=None)
    if best is None or gains[best] < LEAST_GAIN:
        return NormaliserChoice(None, "whether answers agree says nothing about them here", gains, coverage)
    others = ", ".join(f"{name} {gain:.3f}" for name, gain in gains.items() if name != best)
    why = (
        f"{best}: agreement tells {gains[best]:.3f} nats per pair about who is right, with a normal form for "
        f"{coverage[best]:.0%} of the answers" + (f" ({others})" if others else "")
    )
    return NormaliserChoice(best, why, gains, coverage)
