"""Compiled index policy: the same decisions as ``index`` and the values of ``bound``.

Not imported unless numba is installed. All arguments are C-contiguous; ``cap`` is +inf where there is none.
"""

from __future__ import annotations

import math

import numpy as np

from penstock.core._jit import jit
from penstock.core.normal import CDF_BOTTOM, CDF_TOP
from penstock.core.reservation import (
    HIGHEST,
    LARGE,
    LEAST_SD,
    LOSS_PER_UNIT,
    LOSS_RANGE,
    LOWEST,
    OCTAVE_BITS,
    OCTAVES,
    PER_UNIT,
    SCREENING_ERROR,
    screening_tables,
)
from penstock.core.routing import TIE
from penstock.types import BoolArray, FloatArray, IntArray

_ROOT_HALF = math.sqrt(0.5)
T0, T1, T2, T3, T4, T5, T6 = CDF_TOP
B0, B1, B2, B3, B4, B5, B6, B7 = CDF_BOTTOM
_DENSITY = 1 / math.sqrt(2 * math.pi)
# tables are constants of the compiled code: it may take it that nothing it writes changes them
_LOSS_START, _LOSS_SLOPE, _INVERSE_START, _INVERSE_SLOPE = screening_tables()
_LAST_LOSS, _LAST_INVERSE = float(len(_LOSS_START) - 1), len(_INVERSE_START) - 1
_FIRST_BITS, _SHIFT = 1023 + OCTAVES[0] << OCTAVE_BITS, 52 - OCTAVE_BITS


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
def screen(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    row: int,
    at: int,
    rate: float,
    cap: float,
    near: FloatArray,
    off: FloatArray,
) -> None:
    """z of every candidate to within ``off`` by ``reservation.screening_tables``; inf where they end.

    No branch and no exponential: the candidates of a query are worked on several at a time.
    """
    for i in range(mean.shape[1]):
        mu, s, due = mean[row, i], max(sd[row, i], LEAST_SD), rate * cost[at, i]
        per_sd = 1 / s
        b = (cap - mu) * per_sd
        piece = np.uint64(min(max((b + LOSS_RANGE) * LOSS_PER_UNIT, 0.0), _LAST_LOSS))
        v = due * per_sd + max(_LOSS_START[piece] + _LOSS_SLOPE[piece] * min(b, LOSS_RANGE), -b)
        bits = int(np.float64(v).view(np.int64) >> _SHIFT) - _FIRST_BITS
        part = np.uint64(min(max(bits, 0), _LAST_INVERSE))
        about = mu + s * (_INVERSE_START[part] + _INVERSE_SLOPE[part] * v)
        near[i] = min(about, cap - due, LARGE)
        wrong = s * SCREENING_ERROR + 20 * LEAST_SD  # the latter where a deviation below LEAST_SD is none
        off[i] = wrong + 2 * TIE * (abs(mu) + s + due) if bits > 0 else np.inf


@jit
def index_steps(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    executed: IntArray,
    eligible: IntArray,
    lam: FloatArray,
    max_calls: int,
    cap: float,
    prefer_expensive: bool,
    nodes: FloatArray,
    slopes: FloatArray,
    points: FloatArray,
    weights: FloatArray,
    out: IntArray,
) -> None:
    """``index.index_step`` for every query; executed and eligible (n, w) as ``sets.words`` has them."""
    n, k = mean.shape
    near, off, z = np.empty(k), np.empty(k), np.empty(k)
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
        out[row] = -1
        screen(mean, sd, cost, row, at, rate, cap, near, off)
        best, depth, unrun = -np.inf, 0, k
        for word in range(executed.shape[1]):
            if executed[row, word] == 0 and eligible[who, word] == -1:
                continue
            for i in range(64 * word, min(64 * word + 64, k)):
                ran = (executed[row, word] >> (i & 63)) & 1
                if ran:
                    best = max(best, min(mean[row, i], cap))
                    depth += 1
                if ran or not (eligible[who, word] >> (i & 63)) & 1:
                    unrun -= 1
                    near[i], off[i] = -np.inf, 0.0
        room = max_calls - depth
        if unrun == 0 or room <= 0:
            continue
        # whoever cannot reach the best executed or the largest value needs no exact one
        bar, size = best, 0.0
        for i in range(k):
            size = max(size, abs(mean[row, i]) + sd[row, i] + rate * cost[at, i])
        if room >= unrun:
            for i in range(k):
                bar = max(bar, near[i] - off[i])
        bar = max(bar - 2 * TIE * size, -LARGE)
        found, choice = 0, -1
        for i in range(k):
            if near[i] + off[i] >= bar:
                found += 1
                choice = i
        if found == 0:
            continue
        if found == 1 and near[choice] - off[choice] > best:  # ``off`` has room for ties
            out[row] = choice
            continue
        for i in range(k):
            z[i] = -np.inf
            if near[i] + off[i] < bar:
                continue
            if rate == 0.0:  # no exponential is to be worked out in advance for free looks
                z[i] = cap if sd[row, i] >= LEAST_SD else min(mean[row, i], cap)
            else:
                z[i] = reservation_value(mean[row, i], sd[row, i], rate * cost[at, i], cap, nodes, slopes)
        if found > 1:
            choice = largest(z, mean, sd, cost, row, at, rate, prefer_expensive)
        slack = TIE * (abs(mean[row, choice]) + sd[row, choice] + rate * cost[at, choice])
        if (prefer_expensive and z[choice] < best - slack) or (
            not prefer_expensive and z[choice] <= best + slack
        ):
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
                choice = largest(z, mean, sd, cost, row, at, rate, prefer_expensive)
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
    prefer_expensive: bool,
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
        if z[i] < z[lead] - TIE * scale:
            continue
        if choice < 0:
            choice = i
            continue
        gap = cost[at, i] - cost[at, choice] if prefer_expensive else cost[at, choice] - cost[at, i]
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
