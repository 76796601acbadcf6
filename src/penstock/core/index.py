"""The index policy: Weitzman's rule for sequential costly looks (docs/decisions/0008).

Run the un-run candidate with the largest reservation value; stop when the best executed quality is at least
every remaining one. For independent candidates and one price lambda no adaptive policy does better, and a
step costs O(k log k) at most instead of 2^k. With a limit on the number of calls the rule is a heuristic:
among the un-run the set of at most the remaining size with the largest E[max(y, min(Q_i, z_i))] is found
greedily (monotone submodular) and its largest z is run. On random instances of three to five candidates that
loses nothing to dynamic programming in most, more than .0016 in one or two of a hundred, .008 at worst; the
plain index, stopped by the limit, loses up to .3.

Arrays: mean, sd (n, k), the post-hoc means of executed candidates (their sd is not read); cost (n, k), (1, k)
or (k,); executed and eligible (n,) int64 bit masks, or (n, k) booleans where there are more than 62
candidates; lam (n,) or one number. Preconditions: finite arrays, sd >= 0, cost >= 0, lam >= 0, k >= 1,
n >= 1, max_calls >= 1.
"""

from __future__ import annotations

import numpy as np

from penstock.core import normal, scalar_index
from penstock.core._jit import use_compiled
from penstock.core.reservation import inverse_table, reservation_values
from penstock.core.routing import TIE
from penstock.core.sets import members, words
from penstock.types import BoolArray, FloatArray, IntArray

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(3)
_BLOCK = 1 << 20
FEW = 8
"""Without the compiled kernel so many queries are decided one by one: sooner done than an array is set up."""


def index_step(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    executed: IntArray | BoolArray,
    lam: FloatArray | float,
    *,
    cap: float | None = 1.0,
    max_calls: int | None = None,
    eligible: IntArray | BoolArray | None = None,
    prefer_expensive: bool = False,
    compiled: bool | None = None,
) -> IntArray:
    """(n,) the candidate to run next; -1 to stop (or where nothing is eligible).

    Where nothing has been executed something is always run. ``cap``: the highest quality there is, for
    post-hoc means too; None for plain Gaussians. ``max_calls``: most calls per query, executed ones included.
    Reservation values within a relative 1e-9 tie, infinite ones (free looks, no cap) among each other: the
    cheapest is run and a tie with the best executed stops (s_MIN); with ``prefer_expensive`` the dearest, and
    a tie goes on (s_MAX). Then the higher mean, then the pool's order.
    """
    n, k = mean.shape
    limit = k if max_calls is None else max_calls
    max_quality = np.inf if cap is None else cap
    fast = use_compiled(compiled, n)
    if n <= FEW and not fast:
        few = _one_by_one(mean, sd, cost, executed, lam, max_quality, limit, eligible, prefer_expensive)
        if few is not None:
            return few
    price = np.ascontiguousarray(np.atleast_2d(cost), dtype=float)
    rate = np.empty(n)
    rate[:] = lam
    if fast:
        from penstock.core import _compiled_index

        choice = np.empty(n, dtype=np.int64)
        every = np.full((1, -(-k // 64)), -1, dtype=np.int64)
        _compiled_index.index_steps(
            np.ascontiguousarray(mean), np.ascontiguousarray(sd), price, words(executed),
            every if eligible is None else words(eligible), rate, limit,
            max_quality, prefer_expensive, *inverse_table(), _POINTS, _WEIGHTS, choice,
        )  # fmt: skip
        return choice
    prices = np.broadcast_to(price, mean.shape)
    inside = members(executed, k)
    unrun = ~inside & (inside.sum(axis=1) < limit)[:, None]
    if eligible is not None:
        unrun &= members(eligible, k)
    known = mean if cap is None else np.minimum(mean, cap)
    best = np.where(inside, known, -np.inf).max(axis=1)
    due = rate[:, None] * prices
    z = np.where(unrun, reservation_values(mean, sd, due, cap=cap), -np.inf)
    scale = np.abs(mean) + sd + due
    choice = _largest(z, scale, prices, mean, prefer_expensive)
    rows = np.arange(n)
    top = z[rows, choice]
    slack = TIE * scale[rows, choice]
    on = (top > -np.inf) & ((top >= best - slack) if prefer_expensive else (top > best + slack))
    live = unrun & (z > best[:, None])
    room = limit - inside.sum(axis=1)
    tight = np.flatnonzero(on & (live.sum(axis=1) > room))
    step = max(1, _BLOCK // (9 * k * k))
    for begin in range(0, len(tight), step):
        part = tight[begin : begin + step]
        kept = _greedy_set(mean[part], sd[part], z[part], best[part], live[part], room[part])
        limited = np.where(kept, z[part], -np.inf)
        choice[part] = _largest(limited, scale[part], prices[part], mean[part], prefer_expensive)
    return np.where(on, choice, -1)


def _one_by_one(
    mean: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    executed: IntArray | BoolArray,
    lam: FloatArray | float,
    cap: float,
    limit: int,
    eligible: IntArray | BoolArray | None,
    prefer_expensive: bool,
) -> IntArray | None:
    """Every query in plain Python; None where the limit on calls rules candidates out."""
    n, k = mean.shape
    prices = cost.tolist() if cost.ndim == 2 else [cost.tolist()]
    rates = [lam] * n if isinstance(lam, float) else np.broadcast_to(lam, (n,)).tolist()
    open_ = [[True] * k] if eligible is None else _flags(eligible, k)
    choice = []
    for i, (mu, s, run) in enumerate(zip(mean.tolist(), sd.tolist(), _flags(executed, k), strict=True)):
        price = prices[i if len(prices) > 1 else 0]
        may = open_[i if len(open_) > 1 else 0]
        call = scalar_index.step(
            mu, s, price, run, may, rates[i], cap=cap, max_calls=limit, prefer_expensive=prefer_expensive
        )
        if call == scalar_index.UNDECIDED:
            return None
        choice.append(call)
    return np.array(choice, dtype=np.int64)


def _flags(sets: IntArray | BoolArray, k: int) -> list[list[bool]]:
    """``sets.members`` as lists."""
    if sets.ndim == 2:
        flags: list[list[bool]] = sets.tolist()
        return flags
    return [[bool(mask >> i & 1) for i in range(k)] for mask in sets.tolist()]


def _largest(
    z: FloatArray, scale: FloatArray, cost: FloatArray, mean: FloatArray, prefer_expensive: bool
) -> IntArray:
    """The column of each row's largest z; ties by cost, mean and order."""
    top = z.max(axis=1)[:, None]
    leader = np.take_along_axis(scale, z.argmax(axis=1)[:, None], axis=1)
    tied = (z >= top - TIE * np.maximum(scale, leader)) & (z > -np.inf)
    key = np.where(tied, cost if prefer_expensive else -cost, -np.inf)
    equal = tied & (key >= key.max(axis=1)[:, None])
    choice: IntArray = np.where(equal, mean, -np.inf).argmax(axis=1)
    return choice


def _greedy_set(
    mean: FloatArray, sd: FloatArray, z: FloatArray, best: FloatArray, live: BoolArray, room: IntArray
) -> BoolArray:
    """(m, k) at most ``room`` live candidates that greedily maximise E[max(best, min(Q_i, z_i))]."""
    above, weight = survival(mean, sd, z, best, live)
    product = weight.copy()
    kept = np.zeros_like(live)
    rows = np.arange(len(mean))
    for taken in range(int(room.max())):
        gain = np.where(live & ~kept, (above * product[:, None]).sum(axis=2), -np.inf)
        pick = gain.argmax(axis=1)
        adds = (taken < room) & (gain[rows, pick] > -np.inf)
        kept[rows[adds], pick[adds]] = True
        product[adds] *= 1 - above[rows[adds], pick[adds]]
    return kept


def survival(
    mean: FloatArray, sd: FloatArray, z: FloatArray, best: FloatArray, live: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """P(min(Q_i, z_i) > t) (m, k, T) at quadrature nodes t and their weights (m, T), from ``best`` upwards.

    Gauss-Legendre between the points where an integrand bends or jumps: each mu - 2s, mu and z. Where
    ``best`` is -inf the integral begins where every candidate has passed.
    """
    z = np.minimum(z, mean + 8 * sd)
    floor = np.where(live, np.minimum(mean - 4 * sd, z), np.inf).min(axis=1)
    low = np.where(np.isfinite(best), best, floor)[:, None]
    bends = np.concatenate([mean - 2 * sd, mean, z], axis=1)
    top = np.where(live, z, -np.inf).max(axis=1)[:, None]
    bends = np.where(np.tile(live, 3), np.clip(bends, low, np.maximum(top, low)), low)
    edges = np.concatenate([low, np.sort(bends, axis=1)], axis=1)
    half = np.diff(edges, axis=1)[:, :, None] / 2
    middle = (edges[:, 1:] + edges[:, :-1])[:, :, None] / 2
    nodes = (middle + half * _POINTS).reshape(len(mean), -1)
    weight = (half * _WEIGHTS).reshape(len(mean), -1)
    a = (nodes[:, None] - mean[:, :, None]) / np.maximum(sd, 1e-12)[:, :, None]
    below_z = (nodes[:, None] < z[:, :, None]) & live[:, :, None]
    return np.where(below_z, normal.cdf(-a), 0.0), weight
