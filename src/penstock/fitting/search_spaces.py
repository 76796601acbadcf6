"""Families of policies: the settings that are tried on tuning rows.

A family is one price lambda or one threshold away from a policy; tuning replays all of them and keeps the
hull.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from penstock.core.cascade_chains import chain_prices, chains, levels
from penstock.core.copula import fit_chain
from penstock.core.lambda_grid import prices
from penstock.core.routing import frontier_lambdas, hull_edges
from penstock.errors import InputError
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade, thresholds_for
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.fixed import Fixed
from penstock.policies.gain_cascade import GainCascade
from penstock.policies.index import Index
from penstock.policies.lookahead import Lookahead
from penstock.policies.refusal import RefusalCascade
from penstock.policies.routing import Routing
from penstock.policies.vote import VoteCascade
from penstock.router.replay import Beliefs
from penstock.types import FloatArray, IntArray

ROUTING_POINTS = 80
CASCADE_POINTS = 24
SEQUENTIAL_POINTS = 30
LOOKAHEAD_POINTS = 40
DEEP_ROWS = 1_500
"""Up to so many rows a second look after every answer is tried too: it takes five times as long to replay."""
ROUTING = "routing"
LOOKAHEAD = "lookahead"
"""The one policy whose beliefs are not of one answer at a time (``drafts.draft_lookahead``)."""
KAPPAS = (0.6, 1.0, 1.4)
_DEPTH = 5

Sweep = Callable[[Beliefs, FloatArray, FloatArray], list[Policy]]
"""(beliefs, mean quality (k,), mean cost (k,)) -> policies to try."""


def routing(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """Routing at prices spread over the exact breakpoints of the estimates."""
    lambdas = frontier_lambdas(hull_edges(beliefs.ex_ante, beliefs.cost), ROUTING_POINTS)
    return [Routing(float(lam)) for lam in lambdas]


def cascade(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """Threshold cascades over pairs of the fixed hull's candidates (thresholds at quantiles of the post-hoc
    estimate) and over its whole chain (thresholds of papers.md C3 at a range of prices)."""
    found: list[Policy] = []
    for chain in _chains_that_learn(beliefs, quality, cost):
        if len(chain) == 2:
            found += [
                ThresholdCascade(chain, (float(t),))
                for t in levels(beliefs.post_hoc[:, chain[0]], CASCADE_POINTS)
            ]
        else:
            found += _chain(chain, quality, cost)
    return found


def gain_cascade(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """Cascades with adaptive thresholds over the same chains: at quantiles of the next one's estimated gain
    for pairs, at a price of the next one's mean cost for longer chains."""
    found: list[Policy] = []
    for chain in _chains_that_learn(beliefs, quality, cost):
        first, last = chain[0], chain[-1]
        if len(chain) == 2:
            # a gain at the threshold stops, so everything goes on just below the least gain there is
            gains = levels(beliefs.post_hoc[:, first] - beliefs.ex_ante[:, last], CASCADE_POINTS)
            found += [GainCascade(chain, (-float(t),)) for t in gains]
        else:
            steps = cost[list(chain[1:])]
            lambdas = chain_prices(chain, quality, cost, CASCADE_POINTS)
            found += [GainCascade(chain, tuple((lam * steps).tolist())) for lam in lambdas]
    return found


def copula_cascade(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """Threshold cascades tuned on a Markov-copula model of the post-hoc estimates, over the same chains."""
    if np.array_equal(beliefs.post_hoc, beliefs.ex_ante):
        return []
    return copula_cascades(beliefs.post_hoc, quality, cost, points=CASCADE_POINTS)


def copula_cascades(
    confidence: FloatArray, quality: FloatArray, cost: FloatArray, *, points: int = CASCADE_POINTS
) -> list[Policy]:
    """Tuned threshold cascades over chains of the fixed hull, at ``points`` prices each; ``confidence``
    (n, k) calibrated, mean ``quality`` and ``cost`` (k,)."""
    found: list[Policy] = []
    for chain in chains(quality, cost):
        members = list(chain)
        model, cut = fit_chain(confidence[:, members], cost[members]), None
        for lam in chain_prices(chain, quality, cost, points):
            cut = model.tuned(lam, cut)
            found.append(ThresholdCascade(chain, model.thresholds(cut)))
    return list(dict.fromkeys(found))


def refusal(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """Whoever refuses at times, then one that is better on the whole (SATER's pre-generation mode)."""
    if beliefs.refused is None:
        return []
    return [RefusalCascade(pair) for pair in _pairs(np.flatnonzero(beliefs.refused.sum(axis=0)), quality)]


def vote(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """Whoever says how sure it is, then one that is better, at shares over those seen (SATER's cascade)."""
    if beliefs.confidence is None:
        return []
    found: list[Policy] = []
    telling = np.flatnonzero(np.isnan(beliefs.confidence).sum(axis=0) == 0)
    for pair in _pairs(telling, quality):
        shares = np.unique(beliefs.confidence[:, pair[0]])
        spread = np.linspace(0, len(shares) - 1, CASCADE_POINTS).round().astype(int)
        found += [VoteCascade(pair, (float(t),)) for t in shares[np.unique(spread)] if t > 0.0]
    return found


def _pairs(first: IntArray, quality: FloatArray) -> list[tuple[int, int]]:
    """(one of the columns ``first``, a candidate of higher mean quality)."""
    return [(j, i) for j in first.tolist() for i in range(len(quality)) if quality[i] > quality[j]]


def _chains_that_learn(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[tuple[int, ...]]:
    """A cascade has something to go by only where answers move estimates."""
    return [] if np.array_equal(beliefs.post_hoc, beliefs.ex_ante) else chains(quality, cost)


def index(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """The index policy at a range of prices, with three beliefs in how much an answer will tell."""
    if not _tells(beliefs):
        return []
    return [Index(lam, kappa) for kappa in KAPPAS for lam in _lambdas(beliefs)]


def cascade_routing(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """Cascade routing at the same prices and beliefs, at most ``_DEPTH`` candidates per query."""
    if not _tells(beliefs):
        return []
    return [CascadeRouting((lam,), kappa, _DEPTH) for kappa in KAPPAS for lam in _lambdas(beliefs)]


def optimal_cascade(beliefs: Beliefs, quality: FloatArray, cost: FloatArray) -> list[Policy]:
    """Theorem 2's cascade in order of mean cost, at the same prices and beliefs."""
    if not _tells(beliefs):
        return []
    order = tuple(np.argsort(cost, kind="stable").tolist())
    return [OptimalCascade(order, (lam,), kappa, _DEPTH) for kappa in KAPPAS for lam in _lambdas(beliefs)]


def lookahead(beliefs: Beliefs) -> list[Policy]:
    """Looking ahead at the same prices; it needs beliefs in which answers are compared."""
    lambdas = prices(beliefs.ex_ante, beliefs.cost, LOOKAHEAD_POINTS, least=1e-3)
    depths = (1, 2) if len(beliefs.ex_ante) <= DEEP_ROWS else (1,)
    return [Lookahead(lam, then=then) for then in depths for lam in lambdas]


def _tells(beliefs: Beliefs) -> bool:
    return beliefs.spread is not None and bool((beliefs.spread > 0).any())


def _lambdas(beliefs: Beliefs) -> list[float]:
    return prices(beliefs.ex_ante, beliefs.cost, SEQUENTIAL_POINTS)


def fixed(count: int) -> list[Policy]:
    """Every candidate by itself; the hull of these is the mix."""
    return [Fixed(j) for j in range(count)]


def _chain(chain: tuple[int, ...], quality: FloatArray, cost: FloatArray) -> list[Policy]:
    members = list(chain)
    return [
        ThresholdCascade(chain, thresholds_for(lam, quality[members], cost[members]))
        for lam in chain_prices(chain, quality, cost, CASCADE_POINTS)
    ]


FAMILIES: dict[str, Sweep] = {
    "routing": routing,
    "cascade": cascade,
    "gain_cascade": gain_cascade,
    "copula_cascade": copula_cascade,
    "refusal": refusal,
    "vote": vote,
    "index": index,
    "cascade_routing": cascade_routing,
    "optimal_cascade": optimal_cascade,
}


def family(name: str) -> Sweep:
    """The family of that name; InputError for an unknown one."""
    if name not in FAMILIES:
        known = ", ".join((*FAMILIES, LOOKAHEAD))
        raise InputError(f"no policy is called {name!r}; there are {known}", field="--policy")
    return FAMILIES[name]
