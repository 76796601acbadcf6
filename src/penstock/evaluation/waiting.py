"""How long a small model keeps callers waiting, for those it serves and those it passes on (SATER)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.errors import InputError
from penstock.types import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Waiting:
    """Means over n queries, in the unit of what was measured (tokens, or seconds).

    ``agl`` (average generation latency): until the decision, over queries the small model resolved;
    ``arol`` (average routing overhead latency): until the large model was called, over queries passed on;
    NaN where there are none. The two are means over sets that depend on the method: compare methods by
    ``overall`` (all queries) too, and read them beside the shares.
    """

    agl: float
    arol: float
    overall: float
    resolved: float
    passed_on: float


def waiting(latency: FloatArray, routed: BoolArray) -> Waiting:
    """From each query's ``latency`` (n,) of the decision, and whether it was ``routed`` to the large model.

    Samples that run side by side are waited for as long as the longest that was needed
    (``core.vote_clock.parallel_vote``). Seconds on a machine where samples do not run side by side are tokens
    at the measured speed of a single stream.
    """
    if latency.shape != routed.shape or not len(latency):
        raise InputError("needs a latency and a decision for every query, and at least one query")
    if not np.isfinite(latency).all():
        raise InputError("a latency is not a number", field="latency")
    share = float(routed.mean())
    return Waiting(
        agl=_mean(latency[~routed]),
        arol=_mean(latency[routed]),
        overall=float(latency.mean()),
        resolved=1.0 - share,
        passed_on=share,
    )


def falls_by(before: float, after: float) -> float:
    """The share by which a figure falls, ``1 - after / before``; NaN where there is nothing to fall from."""
    return 1.0 - after / before if before > 0 else float("nan")


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
