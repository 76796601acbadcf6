"""Fitting and test parts that never separate the variants or turns of one question.

Everything is decided by hash of the group, so adding or removing rows moves no other row. NumPy only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from penstock.core.hashing import uniform_of
from penstock.errors import InputError
from penstock.outcomes.groups import group_of
from penstock.types import IntArray, Query


def groups_of(queries: Sequence[Query]) -> list[str]:
    """The group of every query (see ``penstock.outcomes.groups``)."""
    return [group_of(q.id, q.group) for q in queries]


def group_hashes(queries: Sequence[Query]) -> list[str]:
    """A short hash of every query's group: enough to see that two tables share a question, and no more."""
    return [blake2b(g.encode(), digest_size=6).hexdigest() for g in groups_of(queries)]


def split_by_group(queries: Sequence[Query], fraction: float, seed: int) -> tuple[IntArray, IntArray]:
    """Indices of the first part (about ``fraction`` of the groups) and of the rest, each in the queries'
    order.

    A group is in the first part where ``uniform_of(f"{seed}:{group}") < fraction`` (blake2b). Splitting a
    part again with the *same* seed therefore takes nothing off it: use another seed, or ``folds``. Raises
    ``InputError`` where the fraction is not inside (0, 1) or a side would be empty.
    """
    if not 0.0 < fraction < 1.0:
        raise InputError(f"the fraction must lie between 0 and 1, not {fraction}", field="fraction")
    first = np.array([uniform_of(f"{seed}:{g}") < fraction for g in groups_of(queries)], dtype=bool)
    if first.all() or not first.any():
        side = "second" if first.any() else "first"
        raise InputError(
            f"splitting {len(queries)} queries at {fraction} with seed {seed} leaves the {side} part empty",
            hint="use another seed (a part already split with this seed cannot be split by it again)",
        )
    return np.flatnonzero(first), np.flatnonzero(~first)


def folds(queries: Sequence[Query], k: int, seed: int) -> IntArray:
    """(n,): the fold in 0..k-1 of every query, by hash of its group; independent of ``split_by_group``'s."""
    if k < 2:
        raise InputError(f"cross-fitting needs at least 2 folds, not {k}", field="folds")
    numbers = [int(uniform_of(f"fold:{seed}:{g}") * k) for g in groups_of(queries)]
    return np.array(numbers, dtype=np.int64)


def task_out_splits(queries: Sequence[Query], n_folds: int, seed: int) -> list[tuple[IntArray, IntArray]]:
    """(fit, test) indices: every task is on the test side of exactly one of the ``n_folds`` (or fewer)
    splits.

    Tasks are dealt in an order drawn by seed, each to the fold with the fewest queries so far: folds differ
    by at most the largest task. Tasks that share a group are dealt as one, so that no group is separated
    either. Queries without a task are one task. Raises ``InputError`` with fewer than two such blocks of
    tasks.
    """
    if n_folds < 2:
        raise InputError(f"leaving tasks out needs at least 2 folds, not {n_folds}", field="folds")
    block = _task_blocks(queries)
    order, size = _drawn_order(block, len(queries), seed)
    sizes = [0] * min(n_folds, len(order))
    fold_of = {}
    for name in order:
        fold_of[name] = sizes.index(min(sizes))
        sizes[fold_of[name]] += size[name]
    fold = np.array([fold_of[b] for b in block])
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(len(sizes))]


def split_by_task(queries: Sequence[Query], fraction: float, seed: int) -> tuple[IntArray, IntArray]:
    """Indices of a fitting part and a test part that share no task: ``split_by_group`` with whole tasks.

    Tasks, in an order drawn by seed, go to the test side while that brings its size nearer to ``1 -
    fraction``; at least one goes there and at least one stays. Groups and missing tasks as in
    ``task_out_splits``.
    """
    if not 0.0 < fraction < 1.0:
        raise InputError(f"the fraction must lie between 0 and 1, not {fraction}", field="fraction")
    block = _task_blocks(queries)
    order, size = _drawn_order(block, len(queries), seed)
    wanted = (1.0 - fraction) * len(queries)
    tested: set[str] = set()
    taken = 0
    for name in order:
        nearer = abs(taken + size[name] - wanted) < abs(taken - wanted)
        if len(tested) < len(order) - 1 and nearer:
            tested.add(name)
            taken += size[name]
    if not tested:  # every task is more than twice too large: the smallest is the nearest
        tested.add(min(order, key=lambda name: size[name]))
    test = np.array([b in tested for b in block])
    return np.flatnonzero(~test), np.flatnonzero(test)


def _drawn_order(block: Sequence[str], n: int, seed: int) -> tuple[list[str], Counter[str]]:
    """The blocks of tasks in an order drawn by seed, and their sizes."""
    size = Counter(block)
    if len(size) < 2:
        raise InputError(
            f"these {n} queries have only {len(size)} task(s) that share no group with another",
            field="task",
            hint="leaving whole tasks out needs two; split at random instead",
        )
    return sorted(size, key=lambda name: (uniform_of(f"task:{seed}:{name}"), name)), size


def _task_blocks(queries: Sequence[Query]) -> list[str]:
    """For every query the name of its task, tasks that share a group having one name (union-find over
    tasks)."""
    parent: dict[str, str] = {}

    def root(task: str) -> str:
        while parent[task] != task:
            task = parent[task]
        return task

    first_task: dict[str, str] = {}
    tasks = ["" if q.task is None else f"={q.task}" for q in queries]
    for task, group in zip(tasks, groups_of(queries), strict=True):
        parent.setdefault(task, task)
        a, b = root(first_task.setdefault(group, task)), root(task)
        parent[max(a, b)] = min(a, b)
    return [root(task) for task in tasks]
