"""SATER's figures for a small and a large candidate (Shen et al., EMNLP 2025): trade-off area and gain ratio,
generation latency and routing overhead."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.errors import InputError
from penstock.evaluation.replay_on import HeldOutRows, beliefs_on
from penstock.evaluation.subject import Subject
from penstock.evaluation.tradeoff import Ends
from penstock.evaluation.waiting import waiting
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.replay import replay
from penstock.router.targets import Target
from penstock.types import FloatArray


def tradeoff(
    subject: Subject, rows: HeldOutRows, *, small: str, large: str, target: Target | None = None
) -> dict[str, Any]:
    """``toa`` and ``togr`` of the chosen option's frontier between ``small`` alone and ``large`` alone, those
    of random and golden routing between the two beside them (a pool of more can be above golden), and, where
    the table has latencies, ``agl`` and ``arol`` in seconds at ``target`` (None: the frontier's last point).
    Raises ``InputError`` for a candidate that is not there, and where the small one costs as much as the
    large one.
    """
    for name in (small, large):
        if name not in subject.candidates:
            known = ", ".join(subject.candidates)
            raise InputError(f"no candidate is called {name!r}; there are {known}", field="--tradeoff")
    low, high = subject.candidates.index(small), subject.candidates.index(large)
    matrix = rows.matrix
    if not matrix.cost[:, low].mean() < matrix.cost[:, high].mean():
        raise InputError(f"{small} does not cost less than {large}", field="--tradeoff")
    ends = Ends(matrix.quality[:, low], matrix.cost[:, low], matrix.quality[:, high], matrix.cost[:, high])
    option = subject.option
    draws = beliefs_on(option.model, rows)
    replays = [
        [replay(point.policy, belief, got.quality, got.cost) for belief, got in draws]
        for point in option.frontier.points
    ]
    curve = ends.curve(
        np.array([np.mean([r.cost.mean() for r in drawn]) for drawn in replays]),
        np.array([np.mean([r.quality.mean() for r in drawn]) for drawn in replays]),
    )
    found: dict[str, Any] = {
        "small": small,
        "large": large,
        "toa": ends.toa(curve),
        "togr": ends.togr(curve),
        "toa_random": ends.toa(ends.random()),
        "toa_golden": ends.toa(ends.golden()),
    }
    seconds = _seconds(matrix)
    if np.isnan(seconds).any():
        return found | {"agl": None, "arol": None}
    at = option.frontier.points[-1] if target is None else option.frontier.at(target)
    belief, got = draws[0]  # latencies are those of the answers that are shown
    done = replay(at.policy, belief, got.quality, got.cost)
    routed = done.executed[:, high]
    before = np.where(done.executed, seconds, 0.0)
    before[:, high] = 0.0  # what is waited for until the large one is called, or instead of it
    waited = waiting(before.sum(axis=1), routed)
    return found | {"agl": waited.agl, "arol": waited.arol, "passed_on": waited.passed_on}


def _seconds(matrix: OutcomeMatrix) -> FloatArray:
    """(n, k) latencies of the answers that are shown; NaN where one is not known."""
    n, k = matrix.shape
    found = [[matrix.answer_of(i, j).latency_s for j in range(k)] for i in range(n)]
    return np.array([[np.nan if x is None else x for x in row] for row in found], dtype=np.float64)
