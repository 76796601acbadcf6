"""Compiled search for the best supermodel: the same decisions as ``supermodels``, depth first.

Not imported unless numba is installed. All arguments are C-contiguous; ``noise`` is (k, S), the draws
transposed.
"""

from __future__ import annotations

import math

import numpy as np

from penstock.core._jit import jit
from penstock.types import BoolArray, FloatArray, IntArray


@jit
def sample(i: int, mean: FloatArray, factor: FloatArray, noise: FloatArray, out: FloatArray) -> None:
    """out[i] (S,) = mean[i] + factor[i] @ noise, the factor (k, k), or (k, 1) for independent candidates."""
    size = out.shape[1]
    row = out[i]
    if factor.shape[1] == 1:
        level, scale, source = mean[i], factor[i, 0], noise[i]
        for s in range(size):
            row[s] = level + scale * source[s]
        return
    row[:] = mean[i]
    for j in range(factor.shape[1]):
        if factor[i, j] != 0.0:
            scale, source = factor[i, j], noise[j]
            for s in range(size):
                row[s] += scale * source[s]


@jit
def variance(i: int, j: int, factor: FloatArray) -> float:
    """Var(X_i - X_j); j = -1 for that of X_i alone."""
    if factor.shape[1] == 1:
        alone = factor[i, 0] * factor[i, 0]
        if j >= 0:
            alone += factor[j, 0] * factor[j, 0]
        return float(alone)
    total = 0.0
    for m in range(factor.shape[1]):
        gap = factor[i, m] if j < 0 else factor[i, m] - factor[j, m]
        total += gap * gap
    return total


@jit
def excess(gap: float, spread: float) -> float:
    """Scarf's (1958) bound of E[(X - y)^+] for any X of mean y - gap and variance ``spread``."""
    bound: float = (math.sqrt(spread + gap * gap) - gap) / 2
    return bound


@jit
def mean_of_max(a: FloatArray, b: FloatArray) -> float:
    """Mean over samples of the larger of two rows."""
    total = 0.0
    for s in range(a.shape[0]):
        total += a[s] if a[s] > b[s] else b[s]
    mean: float = total / a.shape[0]
    return mean


@jit
def better(
    score: float,
    size: float,
    cost: float,
    mask: int,
    best: FloatArray,
    chosen: IntArray,
    prefer_expensive: bool,
    tie: float,
) -> None:
    """Take a set as the incumbent where it scores more, or as much and is cheaper (dearer).

    best = highest score, its size, the chosen set's score and cost; chosen = the chosen set and its members.
    """
    slack = tie * max(size, best[1])
    if score < best[0] - slack:
        return
    count = 0
    rest = mask
    while rest:
        rest &= rest - 1
        count += 1
    wins = score > best[0] + slack
    if not wins:
        gap = best[3] - cost if not prefer_expensive else cost - best[3]
        even = tie * max(abs(cost), abs(best[3]))
        if gap > even:
            wins = True
        elif gap >= -even:
            wins = count < chosen[1] or (count == chosen[1] and mask < chosen[0])
    if score > best[0]:
        best[0], best[1] = score, size
    if wins:
        best[2], best[3] = score, cost
        chosen[0], chosen[1] = mask, count


@jit
def search(
    mean: FloatArray,
    factor: FloatArray,
    noise: FloatArray,
    matched: bool,
    samples: FloatArray,
    ready: BoolArray,
    cost: FloatArray,
    lam: float,
    executed: int,
    open_mask: int,
    room: int,
    prefer_expensive: bool,
    tie: float,
    maxima: FloatArray,
    items: IntArray,
    nets: FloatArray,
    places: IntArray,
    sums: FloatArray,
    best: FloatArray,
    chosen: IntArray,
) -> None:
    """The best superset of ``executed`` by at most ``room`` members of ``open_mask``, into best and chosen.

    maxima (k + 1, S), items and nets (k + 1, k), places (3, k + 1) and sums (2, k + 1) are the stack of the
    depth-first search. ``matched``: the draws have mean 0 and unit covariance exactly, so that bounds by
    moments hold for the sample too and a candidate that cannot pay is never sampled.
    """
    k, size = samples.shape
    ready[:] = False
    pos, count, masks = places[0], places[1], places[2]
    level, spent = sums[0], sums[1]  # E[max] and cost of the set at each depth
    masks[0], level[0], spent[0] = 0, 0.0, 0.0
    best[0], best[1], best[2], best[3] = -np.inf, 0.0, -np.inf, 0.0
    chosen[0], chosen[1] = 0, 0

    # depth 0 is the executed set
    certain = matched
    max_quality = 0.0  # no score is made of more than this
    for i in range(k):
        if ((executed | open_mask) >> i) & 1:
            max_quality += lam * cost[i]
        if (executed >> i) & 1:
            spent[0] += cost[i]
            certain = certain and variance(i, -1, factor) == 0.0
            sample(i, mean, factor, noise, samples)
            row = samples[i]
            if masks[0] == 0:
                maxima[0, :] = row
            else:
                for s in range(size):
                    maxima[0, s] = max(maxima[0, s], row[s])
            masks[0] |= 1 << i
    if executed:
        total = 0.0
        for s in range(size):
            total += maxima[0, s]
        level[0] = total / size
        size_0 = abs(level[0]) + lam * spent[0]
        better(level[0] - lam * spent[0], size_0, spent[0], executed, best, chosen, prefer_expensive, tie)
    if room <= 0:
        return

    # single additions; on top of an executed set one that does not pay now never will (submodularity)
    m = 0
    largest = abs(level[0])
    for i in range(k):
        if not (open_mask >> i) & 1:
            continue
        price = lam * cost[i]
        if executed and certain:
            limit = excess(level[0] - mean[i], variance(i, -1, factor))
            if limit - price < -2 * tie * (abs(level[0]) + abs(mean[i]) + limit + price):
                continue
        if executed or not matched:
            sample(i, mean, factor, noise, samples)
            ready[i] = True
        if executed:
            joined = mean_of_max(maxima[0], samples[i])
        elif matched:
            joined = mean[i]
        else:
            joined = 0.0
            for s in range(size):
                joined += samples[i, s]
            joined /= size
        largest = max(largest, abs(joined))
        net = joined - level[0] - price
        if executed and not pays(net, abs(joined) + price, prefer_expensive, tie):
            continue
        paid = spent[0] + cost[i]
        better(
            joined - lam * paid,
            abs(joined) + lam * paid,
            paid,
            executed | (1 << i),
            best,
            chosen,
            prefer_expensive,
            tie,
        )
        m = insert(items[0], nets[0], m, i, net)
    count[0], pos[0] = m, 0
    # about the size of the largest score there can be, so that no tie is cut off
    slack = tie * (max_quality + (k + 1) * largest)

    depth = 0
    while depth >= 0:
        p = pos[depth]
        left = room - depth
        if p >= count[depth] or left <= 1:
            depth -= 1
            continue
        here = level[depth] - lam * spent[depth]
        # all sets that hold items[p] and none before it; from an empty set nets are no bounds
        if depth > 0 or executed:
            bound = here
            for q in range(p, min(p + left, count[depth])):
                bound += nets[depth, q]
            if bound < best[0] - slack:
                depth -= 1
                continue
        pos[depth] = p + 1
        i = items[depth, p]
        below = depth + 1
        price = lam * cost[i]
        spent[below] = spent[depth] + cost[i]
        masks[below] = masks[depth] | (1 << i)
        fresh = depth == 0 and not executed
        if not fresh:
            for s in range(size):
                a, b = maxima[depth, s], samples[i, s]
                maxima[below, s] = a if a > b else b
        level[below] = level[depth] + nets[depth, p] + price
        base = level[below] - lam * spent[below]
        bounded = not fresh
        started = False
        m = 0
        for q in range(p + 1, count[depth]):
            j = items[depth, q]
            # nets above bound nets here: the last member is looked up in falling order of its bound
            if bounded and left == 2 and base + nets[depth, q] < best[0] - slack:
                break
            price = lam * cost[j]
            if fresh:
                if matched:
                    # neither member may be better left out
                    gap = mean[i] - mean[j]
                    limit = excess(gap, variance(i, j, factor))
                    least = -2 * tie * (abs(mean[i]) + abs(mean[j]) + limit + price + lam * cost[i])
                    if limit - price < least or limit + gap - lam * cost[i] < least:
                        continue
                if not started:
                    if not ready[i]:
                        sample(i, mean, factor, noise, samples)
                        ready[i] = True
                    maxima[below, :] = samples[i]
                    started = True
                if not ready[j]:
                    sample(j, mean, factor, noise, samples)
                    ready[j] = True
            joined = mean_of_max(maxima[below], samples[j])
            net = joined - level[below] - price
            if not pays(net, abs(joined) + price, prefer_expensive, tie):
                continue
            # Lemma 1 for the other member: the set without i scores more
            if not pays(
                base + net - (here + nets[depth, q]), abs(joined) + lam * cost[i], prefer_expensive, tie
            ):
                continue
            paid = spent[below] + cost[j]
            better(
                joined - lam * paid,
                abs(joined) + lam * paid,
                paid,
                masks[below] | (1 << j),
                best,
                chosen,
                prefer_expensive,
                tie,
            )
            if left > 2:
                m = insert(items[below], nets[below], m, j, net)
        if m > 0:
            count[below], pos[below] = m, 0
            depth = below


@jit
def pays(net: float, scale: float, prefer_expensive: bool, tie: float) -> bool:
    """Whether a net gain made of terms of this scale is worth a look: above zero, where the dearest is
    preferred ties too.
    """
    return net >= -tie * scale if prefer_expensive else net > 1e-13 * scale


@jit
def insert(items: IntArray, nets: FloatArray, m: int, item: int, net: float) -> int:
    """Insert into the list sorted by falling net gain; the new length."""
    at = m
    while at > 0 and nets[at - 1] < net:
        nets[at], items[at] = nets[at - 1], items[at - 1]
        at -= 1
    nets[at], items[at] = net, item
    return m + 1


@jit
def best_supermodels(
    mean: FloatArray,
    factor: FloatArray,
    noise: FloatArray,
    cost: FloatArray,
    executed: IntArray,
    eligible: IntArray,
    lam: FloatArray,
    max_depth: int,
    additional: int,
    prefer_expensive: bool,
    tie: float,
    matched: bool,
    out_mask: IntArray,
    out_score: FloatArray,
) -> None:
    """``supermodels.best_supermodel`` for every query; factor (1 or n, k, 1 or k)."""
    n, k = mean.shape
    size = noise.shape[1]
    samples = np.empty((k, size))
    ready = np.empty(k, dtype=np.bool_)
    maxima = np.empty((k + 1, size))
    items = np.empty((k + 1, k), dtype=np.int64)
    nets = np.empty((k + 1, k))
    places = np.empty((3, k + 1), dtype=np.int64)
    sums = np.empty((2, k + 1))
    best = np.empty(4)
    chosen = np.empty(2, dtype=np.int64)
    for row in range(n):
        run = executed[row]
        open_mask = eligible[row] & ~run
        depth = 0
        rest = run
        while rest:
            rest &= rest - 1
            depth += 1
        room = min(max_depth - depth, additional)
        search(
            mean[row], factor[row if factor.shape[0] > 1 else 0], noise, matched, samples, ready,
            cost[row if cost.shape[0] > 1 else 0], lam[row], run, open_mask, room, prefer_expensive, tie,
            maxima, items, nets, places, sums, best, chosen,
        )  # fmt: skip
        out_mask[row], out_score[row] = chosen[0], best[2]


@jit
def best_prefixes(
    mean: FloatArray,
    factor: FloatArray,
    noise: FloatArray,
    cost: FloatArray,
    executed: IntArray,
    eligible: IntArray,
    lam: FloatArray,
    order: IntArray,
    max_depth: int,
    prefer_expensive: bool,
    tie: float,
    out_mask: IntArray,
    out_score: FloatArray,
) -> None:
    """``supermodels.best_prefix`` for every query."""
    n, k = mean.shape
    size = noise.shape[1]
    samples = np.empty((k, size))
    top = np.empty(size)
    best = np.empty(4)
    chosen = np.empty(2, dtype=np.int64)
    for row in range(n):
        for i in range(k):
            sample(i, mean[row], factor[row if factor.shape[0] > 1 else 0], noise, samples)
        price = cost[row if cost.shape[0] > 1 else 0]
        best[0], best[1], best[2], best[3] = -np.inf, 0.0, -np.inf, 0.0
        chosen[0], chosen[1] = 0, 0
        top[:] = -np.inf
        mask, spent, depth, run = 0, 0.0, 0, executed[row]
        for i in range(k):
            if (run >> i) & 1:
                mask |= 1 << i
                spent += price[i]
                depth += 1
                for s in range(size):
                    top[s] = max(top[s], samples[i, s])
        step = -1
        while True:
            if mask:
                level = 0.0
                for s in range(size):
                    level += top[s]
                level /= size
                better(
                    level - lam[row] * spent,
                    abs(level) + lam[row] * spent,
                    spent,
                    mask,
                    best,
                    chosen,
                    prefer_expensive,
                    tie,
                )
            step += 1
            while step < k and ((mask >> order[step]) & 1 or not (eligible[row] >> order[step]) & 1):
                step += 1
            if step >= k or depth >= max_depth:
                break
            i = order[step]
            mask |= 1 << i
            spent += price[i]
            depth += 1
            for s in range(size):
                top[s] = max(top[s], samples[i, s])
        out_mask[row], out_score[row] = chosen[0], best[2]
