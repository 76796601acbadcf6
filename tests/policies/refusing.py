"""Queries whose answers say something of themselves: refusals, and the shares of votes."""

from __future__ import annotations

import numpy as np

from penstock.belief import OwnAnswerBelief
from penstock.policies.base import Policy
from penstock.router.replay import Replayed, replay

N = 400
RNG = np.random.default_rng(0)
QUALITY = np.column_stack([RNG.random(N) < 0.5, RNG.random(N) < 0.6, RNG.random(N) < 0.9]).astype(float)
REFUSED = np.column_stack([RNG.random(N) < 0.6, RNG.random(N) < 0.3, np.zeros(N, dtype=bool)])
TRUE = np.where(REFUSED, 0.0, QUALITY)
COST = np.tile([1.0, 3.0, 20.0], (N, 1))
SHARE = np.column_stack([RNG.integers(0, 11, N) / 10, RNG.integers(0, 11, N) / 10, np.full(N, np.nan)])
BELIEF = OwnAnswerBelief(
    np.full((N, 3), 0.5),
    np.where(REFUSED, 0.0, 0.7),
    COST,
    np.zeros(N),
    np.full((N, 3), 0.3),
    REFUSED,
    SHARE,
)


def ran(policy: Policy, belief: OwnAnswerBelief = BELIEF) -> Replayed:
    """The policy replayed over them."""
    return replay(policy, belief, TRUE, COST)
