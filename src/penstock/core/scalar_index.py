"""The index policy for one query in plain Python: the same decisions as ``index``.

An array operation on one row costs some microseconds whatever it does; a gateway without numba decides one
query at a time. Preconditions as in ``index``; ``cap`` is +inf where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Final, TypeAlias

import numpy as np

from penstock.core.reservation import HIGHEST, LEAST_SD, LOWEST, PER_UNIT, far_tail, inverse_table
from penstock.core.routing import TIE

STOP: Final = -1
UNDECIDED: Final = -2
"""The limit on calls rules a candidate out: ``index`` finds the greedy set on arrays."""
Offer: TypeAlias = tuple[float, float, int, float, float, float]
"""Upper bound of z, size of what z is made of, candidate, mean, standard deviation, price."""
_ROOT_HALF: Final = math.sqrt(0.5)
_DENSITY: Final = 1 / math.sqrt(2 * math.pi)


def step(
    mean: Sequence[float],
    sd: Sequence[float],
    cost: Sequence[float],
    executed: Sequence[bool],
    eligible: Sequence[bool],
    lam: float,
    *,
    cap: float,
    max_calls: int,
    prefer_expensive: bool,
) -> int:
    """The candidate to run next, ``STOP`` or ``UNDECIDED``; one entry per candidate."""
    best, room = -math.inf, max_calls
    if any(executed):
        done = [min(mu, cap) for mu, ran in zip(mean, executed, strict=True) if ran]
        best, room = max(done), max_calls - len(done)
        eligible = [may and not ran for may, ran in zip(eligible, executed, strict=True)]
    offers = _offers(mean, sd, cost, eligible, lam, cap)
    if room <= 0 or not offers:
        return STOP
    limited = room < len(offers)
    valued = _values(offers, best, cap, limited)
    chosen = _largest(valued, mean, cost, prefer_expensive)
    if chosen is None:
        return STOP
    i, z, scale = chosen
    if not (z >= best - TIE * scale if prefer_expensive else z > best + TIE * scale):
        return STOP
    if limited and sum(value > best for _, value, _ in valued) > room:
        return UNDECIDED
    return i


def _offers(
    mean: Sequence[float],
    sd: Sequence[float],
    cost: Sequence[float],
    open_: Sequence[bool],
    lam: float,
    cap: float,
) -> list[Offer]:
    """The most promising first, by Scarf's (1958) bound of E[(Q - z)^+], and cap - price; with room for
    rounding.
    """
    offers = []
    for i, (mu, s, price, may) in enumerate(zip(mean, sd, cost, open_, strict=True)):
        if may:
            due = lam * price
            scale = abs(mu) + s + due
            most = cap - due
            if due > 1e-12 * s:
                rise = mu + s * s / (4 * due) - due
                most = rise if rise < most else most
            offers.append((most + 1e-8 * scale, scale, i, mu, s, due))
    offers.sort(reverse=True)
    return offers


def _values(offers: list[Offer], best: float, cap: float, limited: bool) -> list[tuple[int, float, float]]:
    """i, z and scale of those that may be chosen: from the first until no other can reach them.

    With a limit on calls whoever beats the best executed may be in the greedy set.
    """
    slack = 2 * TIE * max(offers, key=itemgetter(1))[1]
    bar = best - slack
    valued = []
    for max_quality, scale, i, mu, s, due in offers:
        if max_quality < bar:
            break
        z = reservation_value(mu, s, due, cap)
        valued.append((i, z, scale))
        if not limited and z - slack > bar:
            bar = z - slack
    return valued


def _largest(
    valued: list[tuple[int, float, float]],
    mean: Sequence[float],
    cost: Sequence[float],
    prefer_expensive: bool,
) -> tuple[int, float, float] | None:
    """The largest z; ties by cost, mean and order."""
    if len(valued) < 2:
        return valued[0] if valued else None
    valued.sort()  # among equals the first in the pool's order leads
    _, top, leader = max(valued, key=itemgetter(1))
    tied = [offer for offer in valued if offer[1] >= top - TIE * max(offer[2], leader)]
    if len(tied) == 1:
        return tied[0]
    sign = -1.0 if prefer_expensive else 1.0
    return min(tied, key=lambda offer: (sign * cost[offer[0]], -mean[offer[0]], offer[0]))


def reservation_value(mu: float, s: float, price: float, cap: float) -> float:
    """z, see ``reservation``."""
    if s < LEAST_SD:
        return min(mu, cap) - price
    if price == 0.0:
        return cap
    v = price / s
    if cap < math.inf:
        a = (cap - mu) / s
        tail = _DENSITY * math.exp(-0.5 * a * a) - 0.5 * a * math.erfc(a * _ROOT_HALF)
        if tail > 0.0:
            v += tail
    z, most = mu + s * inverse_loss(v), cap - price
    return z if z < most else most


def inverse_loss(v: float) -> float:
    """Ginv(v), see ``reservation.inverse_loss``."""
    if v >= HIGHEST:
        return -v
    if v == 0.0:
        return math.inf
    t = math.log(v)
    if t < LOWEST:
        return float(far_tail(np.array(t)))
    nodes, slopes = _table()
    x = (t - LOWEST) * PER_UNIT
    i = int(x)  # HIGHEST lies before the last node
    u = x - i
    w = 1 - u
    return (
        nodes[i] * w * w * (1 + 2 * u)
        + nodes[i + 1] * u * u * (3 - 2 * u)
        + u * w * (slopes[i] * w - slopes[i + 1] * u)
    )


@cache
def _table() -> tuple[list[float], list[float]]:
    nodes, slopes = inverse_table()
    return nodes.tolist(), slopes.tolist()
