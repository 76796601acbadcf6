"""How far an answer's own features are to be believed beside agreement.

Features of a hard question (a long answer, a hedge) show in every answer to it. Taken at full weight each, as
if they were independent, they are counted as often as there are answers. So they get one weight, chosen where
it matters: on posteriors after one to three answers.
"""

from __future__ import annotations

import numpy as np

from penstock.codec import take
from penstock.core.agreement import AgreementParams, Evidence, posterior
from penstock.core.means import log_loss
from penstock.types import BoolArray, FloatArray

WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_ROWS = 600
_SETS = 3
_MOST_ANSWERS = 3


def feature_weight(
    params: AgreementParams, evidence: Evidence, quality: FloatArray, observed: BoolArray, *, seed: int
) -> float:
    """The weight of ``evidence.log_ratio`` (n, k) under which posteriors of the executed have the least log
    loss, over seeded sets of up to three answers to at most 600 of the n queries; 1 where features say
    nothing.

    ``quality`` (n, k) in [0, 1] of the ``observed`` cells (n, k), which alone are executed.
    """
    answered = observed & np.isfinite(evidence.log_ratio)
    if not (evidence.log_ratio[answered] != 0.0).any():
        return 1.0
    rng = np.random.default_rng(seed)
    row = np.tile(rng.permutation(len(quality))[:_ROWS], _SETS)
    among = answered[row]
    rank = np.where(among, rng.random(among.shape), np.inf).argsort(axis=1).argsort(axis=1)
    executed = among & (rank < rng.integers(1, _MOST_ANSWERS + 1, size=len(row))[:, None])
    right = np.nan_to_num(quality[row])[executed]

    def loss(weight: float) -> float:
        part = take(evidence, row)
        log_ratio = np.where(
            np.isfinite(part.log_ratio), weight * np.nan_to_num(part.log_ratio, neginf=0.0), -np.inf
        )
        told = posterior(params, Evidence(part.logit, part.code, log_ratio, part.which), executed)[executed]
        return float(log_loss(told, right).sum())

    return min(WEIGHTS, key=loss)
