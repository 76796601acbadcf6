"""Compiled index policy: the same decisions as ``index`` and the values of ``bound``.

Not imported unless numba is installed. All arguments are C-contiguous; ``cap`` is +inf where there is none.
"""

from __future__ import annotations

import math

import numpy as np

from penstock.core._jit import jit
from penstock.core.normal import CDF_BOTTOM, CDF_TOP
from penstock.core.reservation import HIGHEST, LEAST_SD, LOSS_PER_UNIT, LOSS_RANGE, LOWEST, PER_UNIT
from penstock.types import BoolArray, FloatArray, IntArray

_ROOT_HALF = math.sqrt(0.5)
T0, T1, T2, T3, T4, T5, T6 = CDF_TOP
B0, B1, B2, B3, B4, B5, B6, B7 = CDF_BOTTOM
_DENSITY = 1 / math.sqrt(2 * math.pi)


@jit
def upper_tail(a: float) -> float:
    """P(Z > a)."""
    return 0.5 * math.erfc(a * _ROOT_HALF)


@jit
def loss(a: float) -> float:
    """G(a), see ``reservation.loss``; in the body Hart's rational function shares the one exponential."""
    if abs(a) > 4.0:
        tail = _DENSITY * math.exp(-0.5 * a * a) - a * upper_tail(a) if a < 39.0 else 0.0
        return max(tail, 0.0)
    x = abs(a)
    top = (((((T0 * x + T1) * x + T2) * x + T3) * x + T4) * x + T5) * x + T6
    bottom = ((((((B0 * x + B1) * x + B2) * x + B3) * x + B4) * x + B5) * x + B6) * x + B7
    outside: float = math.exp(-0.5 * a * a) * (_DENSITY - x * top / bottom)
    return outside if a >= 0 else outside - a


@jit
def inverse_loss(v: float, nodes: FloatArray, slopes: FloatArray) -> float:
    """Ginv(v), see ``reservation.inverse_loss``."""
    if v >= HIGHEST:
        return -v
    if v == 0.0:
        return np.inf
    t = math.log(v)
    if t < LOWEST:
        a = math.sqrt(-2 * t)
        for _ in range(6):
            b = 1 / (a * a)
            series = 1 - b * (3 - b * (15 - b * (105 - b * 945)))
            value = -0.5 * a * a + math.log(_DENSITY * b * series)
            a += (value - t) / (a + 2 / a)
        return a
    x = (t - LOWEST) * PER_UNIT
    i = min(int(x), nodes.shape[0] - 2)
    u = x - i
    w = 1 - u
    between: float = (
        nodes[i] * w * w * (1 + 2 * u)
        + nodes[i + 1] * u * u * (3 - 2 * u)
        + u * w * (slopes[i] * w - slopes[i + 1] * u)
    )
    return between


@jit
def reservation_value(
    mu: float, s: float, price: float, cap: float, nodes: FloatArray, slopes: FloatArray
) -> float:
    """z, see ``reservation``."""
    if s < LEAST_SD:
        return min(mu, cap) - price
    if price == 0.0:
        return cap
    v = price / s
    if cap < np.inf:
        v += loss((cap - mu) / s)
    return min(mu + s * inverse_loss(v, nodes, slopes), cap - price)


@jit
def ceilings(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    row: int,
    at: int,
    rate: float,
    cap: float,
    out: FloatArray,
) -> None:
    """Cheap upper bounds of z: Scarf's (1958) of E[(Q - z)^+], and cap - price; with room for rounding."""
    for i in range(mean.shape[1]):
        mu, s, due = mean[row, i], sd[row, i], rate * cost[at, i]
        rise = s * s / (4 * due) if due > 1e-12 * s else np.inf
        out[i] = min(mu + rise - due, cap - due) + 1e-8 * (abs(mu) + s + due)


@jit
def may_reach(bar: float, mu: float, s: float, price: float, cap: float, losses: FloatArray) -> bool:
    """False only where z < bar: E[(min(Q, cap) - bar)^+] bounded from above is less than the price.

    G is convex: a chord of its table lies above it, by less than 2e-5 here.
    """
    if s < LEAST_SD or bar == -np.inf:
        return True
    per_sd = 1 / s
    gain = loss_above((bar - mu) * per_sd, losses)
    if cap < np.inf:
        gain -= max(loss_above((cap - mu) * per_sd, losses) - 2e-5, 0.0)
    return s * gain + 1e-13 * (abs(bar) + abs(mu) + price) >= price


@jit
def loss_above(a: float, losses: FloatArray) -> float:
    """At least G(a), by linear interpolation."""
    if a < -LOSS_RANGE:
        return 1e-14 - a
    x = (a + LOSS_RANGE) * LOSS_PER_UNIT
    i = int(x) if x < losses.shape[0] - 2 else losses.shape[0] - 2
    u = x - i if x < losses.shape[0] - 1 else 1.0
    chord: float = losses[i] + u * (losses[i + 1] - losses[i])
    return chord


@jit
def index_steps(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    executed: IntArray,
    eligible: IntArray,
    lam: FloatArray,
    runs: int,
    cap: float,
    dear: bool,
    tie: float,
    nodes: FloatArray,
    slopes: FloatArray,
    losses: FloatArray,
    points: FloatArray,
    weights: FloatArray,
    out: IntArray,
) -> None:
    """``index.index_step`` for every query; executed and eligible (n, w) as ``sets.words`` has them."""
    n, k = mean.shape
    ceiling = np.empty(k)
    z = np.empty(k)
    live = np.empty(k, dtype=np.bool_)
    kept = np.empty(k, dtype=np.bool_)
    grid = 3 * k * points.shape[0]
    above = np.empty((k, grid))
    product = np.empty(grid)
    edges = np.empty(3 * k + 1)
    for row in range(n):
        # indexed, not sliced: a view per query would cost more than the rest
        at = row if cost.shape[0] > 1 else 0
        who = row if eligible.shape[0] > 1 else 0
        rate = lam[row]
        ceilings(mean, sd, cost, row, at, rate, cap, ceiling)
        best, depth, unrun, first = -np.inf, 0, 0, -1
        for i in range(k):
            z[i] = -np.inf
            word, bit = i >> 6, i & 63
            if (executed[row, word] >> bit) & 1:
                best = max(best, min(mean[row, i], cap))
                depth += 1
                ceiling[i] = -np.inf
            elif (eligible[who, word] >> bit) & 1:
                unrun += 1
                if first < 0 or ceiling[i] > ceiling[first]:
                    first = i
            else:
                ceiling[i] = -np.inf
        out[row] = -1
        room = runs - depth
        if unrun == 0 or room <= 0:
            continue
        # the most promising first; whoever cannot reach it, or the best executed, needs no value
        bar, lead, valued = best, -1, 0
        for turn in range(-1, k):
            i = first if turn < 0 else turn
            if turn == first or ceiling[i] < bar or ceiling[i] == -np.inf:
                continue
            mu, s, due = mean[row, i], sd[row, i], rate * cost[at, i]
            slack = tie * (abs(mu) + s + due)
            if due > 0.0 and not may_reach(bar - slack, mu, s, due, cap, losses):
                continue
            z[i] = reservation_value(mu, s, due, cap, nodes, slopes)
            valued += 1
            if lead < 0 or z[i] > z[lead]:
                lead = i
                if room >= unrun and z[i] - slack > bar:
                    bar = z[i] - slack
        if valued == 0:
            continue
        choice = lead if valued == 1 else largest(z, mean, sd, cost, row, at, rate, dear, tie)
        slack = tie * (abs(mean[row, choice]) + sd[row, choice] + rate * cost[at, choice])
        if (dear and z[choice] < best - slack) or (not dear and z[choice] <= best + slack):
            continue
        if room < unrun:
            count = 0
            for i in range(k):
                live[i] = z[i] > best
                count += live[i]
            if count > room:
                greedy_set(
                    mean[row], sd[row], z, best, live, room, points, weights, above, product, edges, kept
                )
                for i in range(k):
                    if not kept[i]:
                        z[i] = -np.inf
                choice = largest(z, mean, sd, cost, row, at, rate, dear, tie)
        out[row] = choice


@jit
def largest(
    z: FloatArray,
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    row: int,
    at: int,
    rate: float,
    dear: bool,
    tie: float,
) -> int:
    """The largest z; ties by cost, mean and order."""
    lead = 0
    for i in range(1, z.shape[0]):
        if z[i] > z[lead]:
            lead = i
    leader = abs(mean[row, lead]) + sd[row, lead] + rate * cost[at, lead]
    choice = -1
    for i in range(z.shape[0]):
        if z[i] == -np.inf:
            continue
        scale = max(abs(mean[row, i]) + sd[row, i] + rate * cost[at, i], leader)
        if z[i] < z[lead] - tie * scale:
            continue
        if choice < 0:
            choice = i
            continue
        gap = cost[at, i] - cost[at, choice] if dear else cost[at, choice] - cost[at, i]
        if gap > 0 or (gap == 0 and mean[row, i] > mean[row, choice]):
            choice = i
    return choice


@jit
def quadrature(
    mu: FloatArray,
    s: FloatArray,
    z: FloatArray,
    low: float,
    live: BoolArray,
    points: FloatArray,
    weights: FloatArray,
    above: FloatArray,
    product: FloatArray,
    edges: FloatArray,
) -> int:
    """P(min(Q_i, z_i) > t) at the nodes into ``above`` (k, T), weights into ``product`` (T,); their number.

    See ``index.survival``.
    """
    k = mu.shape[0]
    top = -np.inf
    for i in range(k):
        if live[i]:
            top = max(top, min(z[i], mu[i] + 8 * s[i]))
    m = 1
    edges[0] = low
    for i in range(k):
        if not live[i]:
            continue
        for b in range(3):
            bend = mu[i] - 2 * s[i] if b == 0 else mu[i] if b == 1 else min(z[i], mu[i] + 8 * s[i])
            if bend <= low:
                continue
            bend = min(bend, top)
            at = m
            while at > 1 and edges[at - 1] > bend:
                edges[at] = edges[at - 1]
                at -= 1
            edges[at] = bend
            m += 1
    count = 0
    for e in range(m - 1):
        half, middle = (edges[e + 1] - edges[e]) / 2, (edges[e + 1] + edges[e]) / 2
        if half <= 0.0:
            continue
        for g in range(points.shape[0]):
            t = middle + half * points[g]
            product[count] = half * weights[g]
            for i in range(k):
                if live[i] and t < z[i] and t < mu[i] + 8 * s[i]:
                    above[i, count] = upper_tail((t - mu[i]) / max(s[i], LEAST_SD))
                else:
                    above[i, count] = 0.0
            count += 1
    return count


@jit
def greedy_set(
    mu: FloatArray,
    s: FloatArray,
    z: FloatArray,
    best: float,
    live: BoolArray,
    room: int,
    points: FloatArray,
    weights: FloatArray,
    above: FloatArray,
    product: FloatArray,
    edges: FloatArray,
    kept: BoolArray,
) -> None:
    """The live candidates that greedily maximise E[max(best, min(Q_i, z_i))], at most ``room``, into
    ``kept``.
    """
    k = mu.shape[0]
    low = best
    if best == -np.inf:
        low = np.inf
        for i in range(k):
            if live[i]:
                low = min(low, mu[i] - 4 * s[i], z[i])
    count = quadrature(mu, s, z, low, live, points, weights, above, product, edges)
    kept[:] = False
    for _ in range(room):
        pick, most = -1, -1.0
        for i in range(k):
            if live[i] and not kept[i]:
                gain = 0.0
                for t in range(count):
                    gain += above[i, t] * product[t]
                if gain > most:
                    pick, most = i, gain
        if pick < 0:
            return
        kept[pick] = True
        for t in range(count):
            product[t] *= 1 - above[pick, t]


@jit
def optimal_values(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    lam: float,
    cap: float,
    nodes: FloatArray,
    slopes: FloatArray,
    points: FloatArray,
    weights: FloatArray,
    out: FloatArray,
) -> None:
    """``bound.optimal_value`` of every query."""
    n, k = mean.shape
    z = np.empty(k)
    live = np.ones(k, dtype=np.bool_)
    grid = 3 * k * points.shape[0]
    above = np.empty((k, grid))
    product = np.empty(grid)
    edges = np.empty(3 * k + 1)
    for row in range(n):
        mu, s, price = mean[row], sd[row], cost[row if cost.shape[0] > 1 else 0]
        low = -np.inf
        for i in range(k):
            z[i] = reservation_value(mu[i], s[i], lam * price[i], cap, nodes, slopes)
            low = max(low, min(mu[i] - 8 * s[i], z[i]))
        for i in range(k):
            live[i] = z[i] > low
        count = quadrature(mu, s, z, low, live, points, weights, above, product, edges)
        total = low
        for t in range(count):
            none = 1.0
            for i in range(k):
                none *= 1 - above[i, t]
            total += product[t] * (1 - none)
        out[row] = total
