"""The compiled form of ``agreement``: the same decisions, for batches.

Not imported unless numba is installed. All arrays are C-contiguous. Looking ahead is written out for two
levels (``one_look``, ``two_looks``): compiled self-recursion cannot be cached on disk safely.
"""

from __future__ import annotations

import math

import numpy as np

from penstock.core._jit import jit
from penstock.types import BoolArray, FloatArray, IntArray

_GROUPS = 6
_STATES = 64
_NONE = -1
_EXTREME = 20.0


@jit
def chances_of(logit: FloatArray, level: FloatArray, out: FloatArray) -> None:
    """out (k, T) = probability of being right at every node."""
    for j in range(level.shape[0]):
        for t in range(level.shape[1]):
            z = min(max(logit[j] + level[j, t], -_EXTREME), _EXTREME)
            out[j, t] = 1.0 / (1.0 + math.exp(-z))


@jit
def child(
    P: FloatArray, states: int, sizes: IntArray, groups: int, chance: FloatArray, outcome: int, odds: float,
    wrong: FloatArray, right: float, out: FloatArray,
) -> int:  # fmt: skip
    """Unnormalised state after an answer that joins group ``outcome``; returns how many states there are."""
    nodes = P.shape[1]
    everything = 0
    for g in range(groups):
        everything += sizes[g]
    for h in range(states):
        so_far = 0
        for g in range(groups):
            if h >> g & 1:
                so_far += sizes[g]
        others = everything - so_far
        if outcome < groups:
            size = sizes[outcome]
            if h >> outcome & 1:
                share = odds * size / (right + so_far)
                for t in range(nodes):
                    out[h, t] = P[h, t] * chance[t] * share
            else:
                for t in range(nodes):
                    out[h, t] = P[h, t] * (1.0 - chance[t]) * size / (wrong[t] + others)
        else:
            share = odds * right / (right + so_far)
            for t in range(nodes):
                out[h, t] = P[h, t] * (1.0 - chance[t]) * wrong[t] / (wrong[t] + others)
                out[h + states, t] = P[h, t] * chance[t] * share
    return states if outcome < groups else 2 * states


@jit
def sums(P: FloatArray, states: int, groups: int, ungrouped: float, node: FloatArray) -> tuple[float, float]:
    """Fills ``node`` (T,); returns the total mass and the value of accepting the best answer there is."""
    nodes = P.shape[1]
    node[:] = 0.0
    mass = np.zeros(_GROUPS)
    total = 0.0
    for h in range(states):
        row = 0.0
        for t in range(nodes):
            node[t] += P[h, t]
            row += P[h, t]
        total += row
        for g in range(groups):
            if h >> g & 1:
                mass[g] += row
    best = ungrouped * total
    for g in range(groups):
        best = max(best, mass[g])
    return total, best


@jit
def unseen(
    node: FloatArray, total: float, chances: FloatArray, price: FloatArray, shut: BoolArray, tie: float
) -> tuple[float, int]:
    """Best value of a call that is accepted whatever comes, and whose it is."""
    best, who = -np.inf, -1
    for j in range(chances.shape[0]):
        if not shut[j]:
            value = -price[j] * total
            for t in range(len(node)):
                value += node[t] * chances[j, t]
            if value > best + tie:
                best, who = value, j
    return best, who


@jit
def one_look(
    P: FloatArray, states: int, sizes: IntArray, groups: int, chances: FloatArray, price: FloatArray,
    shut: BoolArray, ungrouped: float, wrong: FloatArray, right: float, work: FloatArray, node: FloatArray,
    tie: float,
) -> tuple[float, int]:  # fmt: skip
    """Best value of calling somebody, looking at the answer, then stopping or calling once more unseen."""
    total, _ = sums(P, states, groups, ungrouped, node)
    if groups == _GROUPS:
        return unseen(node, total, chances, price, shut, tie)
    best, who = -np.inf, -1
    for j in range(chances.shape[0]):
        if shut[j]:
            continue
        value = -price[j] * total
        shut[j] = True
        for outcome in range(groups + 1):
            after = child(P, states, sizes, groups, chances[j], outcome, 1.0, wrong, right, work)
            mass, stop = sums(work, after, groups + (outcome == groups), ungrouped, node)
            last, _ = unseen(node, mass, chances, price, shut, 0.0)
            value += max(stop, last)
        shut[j] = False
        if value > best + tie:
            best, who = value, j
    return best, who


@jit
def two_looks(
    P: FloatArray, states: int, sizes: IntArray, groups: int, chances: FloatArray, price: FloatArray,
    shut: BoolArray, ungrouped: float, wrong: FloatArray, right: float, work: FloatArray, node: FloatArray,
    tie: float,
) -> tuple[float, int]:  # fmt: skip
    """The same with one more look before the last call; ``work`` (2, 64, T)."""
    total, _ = sums(P, states, groups, ungrouped, node)
    if groups == _GROUPS:
        return unseen(node, total, chances, price, shut, tie)
    best, who = -np.inf, -1
    for j in range(chances.shape[0]):
        if shut[j]:
            continue
        value = -price[j] * total
        shut[j] = True
        for outcome in range(groups + 1):
            new = outcome == groups
            after = child(P, states, sizes, groups, chances[j], outcome, 1.0, wrong, right, work[0])
            sizes[outcome] = 1 if new else sizes[outcome] + 1
            mass, stop = sums(work[0], after, groups + new, ungrouped, node)
            if groups + new == _GROUPS:
                more, _ = unseen(node, mass, chances, price, shut, 0.0)
            else:
                more, _ = one_look(
                    work[0], after, sizes, groups + new, chances, price, shut, ungrouped, wrong, right,
                    work[1], node, 0.0,
                )  # fmt: skip
            sizes[outcome] = 0 if new else sizes[outcome] - 1
            value += max(stop, more)
        shut[j] = False
        if value > best + tie:
            best, who = value, j
    return best, who


@jit
def condition(
    chances: FloatArray, weight: FloatArray, wrong: FloatArray, right: float, code: IntArray,
    log_ratio: FloatArray, executed: BoolArray, P: FloatArray, work: FloatArray, sizes: IntArray,
    group: IntArray,
) -> tuple[int, int]:  # fmt: skip
    """Fills ``P``, ``sizes`` and each candidate's ``group``; returns how many states and groups there are."""
    nodes = P.shape[1]
    states, groups = 1, 0
    P[0] = weight / weight.sum()
    known = np.zeros(_GROUPS, dtype=np.int64)
    for j in range(len(code)):
        group[j] = -1
        if not executed[j]:
            continue
        odds = math.exp(log_ratio[j])
        at = groups
        for g in range(groups):
            if known[g] == code[j]:
                at = g
        if code[j] == _NONE or at == _GROUPS:
            for h in range(states):
                for t in range(nodes):
                    P[h, t] *= chances[j, t] * odds + 1.0 - chances[j, t]
        else:
            group[j] = at
            states = child(P, states, sizes, groups, chances[j], at, odds, wrong, right, work)
            if at == groups:
                known[groups] = code[j]
                sizes[groups] = 0
                groups += 1
            sizes[at] += 1
            P[:states] = work[:states]
        total = P[:states].sum()
        for h in range(states):
            for t in range(nodes):
                P[h, t] /= total
    return states, groups


@jit
def alone(node: FloatArray, chance: FloatArray, odds: float) -> float:
    """Probability that an answer outside the groups is right."""
    total = 0.0
    for t in range(len(node)):
        right = chance[t] * odds
        total += node[t] * right / (right + 1.0 - chance[t])
    return total


@jit
def posteriors(
    level: FloatArray, weight: FloatArray, wrong: FloatArray, right: FloatArray, logit: FloatArray,
    log_ratio: FloatArray, code: IntArray, which: IntArray, executed: BoolArray, quality: FloatArray,
) -> None:  # fmt: skip
    """``agreement.posterior`` into ``quality`` (n, k)."""
    n, k = logit.shape
    nodes = level.shape[2]
    P, work = np.empty((_STATES, nodes)), np.empty((_STATES, nodes))
    chances, node = np.empty((k, nodes)), np.empty(nodes)
    sizes, group = np.zeros(_GROUPS + 1, dtype=np.int64), np.empty(k, dtype=np.int64)
    mass = np.empty(_GROUPS)
    for i in range(n):
        model = which[i]
        chances_of(logit[i], level[model], chances)
        states, groups = condition(
            chances,
            weight[model],
            wrong[model],
            right[model],
            code[i],
            log_ratio[i],
            executed[i],
            P,
            work,
            sizes,
            group,
        )
        sums(P, states, groups, 0.0, node)
        mass[:] = 0.0
        for h in range(states):
            for g in range(groups):
                if h >> g & 1:
                    mass[g] += P[h].sum()
        for j in range(k):
            if executed[i, j] and group[j] >= 0:
                quality[i, j] = mass[group[j]]
            elif executed[i, j]:
                quality[i, j] = alone(node, chances[j], math.exp(log_ratio[i, j]))
            else:
                quality[i, j] = (node * chances[j]).sum()


@jit
def next_call(
    level: FloatArray, weight: FloatArray, wrong: FloatArray, right: FloatArray, logit: FloatArray,
    log_ratio: FloatArray, price: FloatArray, code: IntArray, which: IntArray, executed: BoolArray,
    open_: BoolArray, first: int, then: int, tie: float, call: IntArray,
) -> None:  # fmt: skip
    """``agreement.next_call`` into ``call`` (n,)."""
    n, k = logit.shape
    nodes = level.shape[2]
    P, work = np.empty((_STATES, nodes)), np.empty((2, _STATES, nodes))
    chances, node = np.empty((k, nodes)), np.empty(nodes)
    sizes, group = np.zeros(_GROUPS + 1, dtype=np.int64), np.empty(k, dtype=np.int64)
    shut = np.empty(k, dtype=np.bool_)
    for i in range(n):
        model = which[i]
        chances_of(logit[i], level[model], chances)
        states, groups = condition(
            chances, weight[model], wrong[model], right[model], code[i], log_ratio[i], executed[i], P,
            work[0], sizes, group,
        )  # fmt: skip
        sums(P, states, groups, 0.0, node)
        nothing, ungrouped = True, 0.0
        for j in range(k):
            shut[j] = executed[i, j] or not open_[i, j]
            if executed[i, j]:
                nothing = False
                if group[j] < 0:
                    ungrouped = max(ungrouped, alone(node, chances[j], math.exp(log_ratio[i, j])))
        total, stop = sums(P, states, groups, ungrouped, node)
        depth = first if nothing else then
        if depth == 0:
            value, who = unseen(node, total, chances, price[i], shut, tie)
        elif depth == 1:
            value, who = one_look(
                P, states, sizes, groups, chances, price[i], shut, ungrouped, wrong[model], right[model],
                work[0], node, tie,
            )  # fmt: skip
        else:
            value, who = two_looks(
                P, states, sizes, groups, chances, price[i], shut, ungrouped, wrong[model], right[model],
                work, node, tie,
            )  # fmt: skip
        call[i] = who if who >= 0 and (nothing or value > stop + tie) else -1
