"""Which option a fit ships, and why: by replay on rows its estimates had not seen, not by their accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from penstock.core.curves import aucs
from penstock.core.resample import bootstrap_weights
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.fitting.crossfit_stages import ExAnteFit
from penstock.fitting.result import MIX, Option
from penstock.fitting.sweep import Sweep
from penstock.fitting.training_data import TrainingData
from penstock.types import FloatArray, IntArray

ROUTING = "routing"
ROUTING_TOGETHER = f"{ROUTING}/{ENSEMBLE}"
CLEARLY = 2.0
"""In standard errors: how much better one estimator has to be than all of them together."""
_DRAWS = 200


def best_ex_ante(known: Sequence[ExAnteFit], data: TrainingData) -> ExAnteFit:
    """What policies that look at answers start from: the ensemble's estimates; without it those of least
    out-of-fold squared error, since they have to be right in level on every query, not only in who is
    better."""
    target = np.nan_to_num(data.quality)

    def error(item: ExAnteFit) -> float:
        return float((data.weight * (item.ex_ante - target) ** 2).sum())

    return next((item for item in known if item.name == ENSEMBLE), None) or min(known, key=error)


def choose(
    options: Mapping[str, Option], cluster: IntArray, *, level: float = 0.95, seed: int = 0
) -> tuple[str, str]:
    """The option of the largest guarded area on tuning rows, the mix at ties; and why, in one sentence.

    Where that is routing by one estimator, and routing by the ensemble is above the mix and less than two
    standard errors of the difference behind (rows resampled by ``cluster`` (n,)), it is the ensemble: the
    best of several close ones is flattered by having been picked, their mean is not. ``level`` is the
    guard's, for the sentence.
    """
    ranked = sorted(options, key=lambda name: (options[name].auc, name == MIX), reverse=True)
    first = ranked[0]
    if len(options) == 1:
        return MIX, "there was nothing else to try"
    if first == MIX:
        tried = len(options) - 1
        return MIX, f"none of {tried} options is above the mix with {level:.0%} confidence on these rows"
    mix = options[MIX].auc
    if first.startswith(f"{ROUTING}/") and _as_good(options, first, cluster, seed):
        why = f"mean quality over the cost range {options[ROUTING_TOGETHER].auc:.4f}, the mix {mix:.4f}"
        close = f"{first} {options[first].auc:.4f}, less than two standard errors more"
        return ROUTING_TOGETHER, f"{why}, {close}, by replay on rows the estimates had not seen"
    why = f"mean quality over the cost range {options[first].auc:.4f}, the mix {mix:.4f}"
    others = [name for name in ranked[1:] if name != MIX and options[name].auc > mix]
    if others:
        why += f", next best {others[0]} {options[others[0]].auc:.4f}"
    return first, f"{why}, by replay on rows the estimates had not seen"


def _as_good(options: Mapping[str, Option], first: str, cluster: IntArray, seed: int) -> bool:
    """Whether routing by the ensemble is above the mix and not clearly behind ``first``."""
    together, mix = options.get(ROUTING_TOGETHER), options[MIX]
    if together is None or first == ROUTING_TOGETHER or not together.auc > mix.auc:
        return False
    leader, behind, fixed = options[first].vertices, together.vertices, mix.vertices
    weights = bootstrap_weights(cluster, draws=_DRAWS, seed=seed)
    weights /= weights.sum(axis=1, keepdims=True)
    difference = _aucs(leader, fixed, weights) - _aucs(behind, fixed, weights)
    return options[first].auc - together.auc < CLEARLY * float(np.nanstd(difference, ddof=1))


def _aucs(swept: Sweep, fixed: Sweep, weights: FloatArray) -> FloatArray:
    """(b,) mean quality of a frontier's vertices over the cost range of the fixed candidates' hull, under row
    ``weights`` (b, n) that sum to 1; NaN where that range is empty."""
    cost, quality = weights @ swept.cost.T, weights @ swept.quality.T
    ends, left = weights @ fixed.cost[[0, -1]].T, weights @ fixed.quality[0]
    return aucs(cost, quality, ends[:, 0], ends[:, 1], left)
