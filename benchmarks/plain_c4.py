"""One decision of cascade routing (De Koninck et al. 2025, Theorem 3) in plain Python, as one would write it
down.

Supersets of the executed set by number of members, E[max] over common draws, Lemma-1 pruning: a set is
skipped when it holds a set whose score was higher without one of its not yet executed members. The yardstick
of ``core.py``; penstock does not use it.
"""

from __future__ import annotations

from itertools import combinations


def decide(
    mean: list[float],
    sd: list[float],
    cost: list[float],
    executed: frozenset[int],
    lam: float,
    max_depth: int,
    draws: list[list[float]],
) -> frozenset[int]:
    """The best superset of ``executed``, the cheapest at ties; ``draws[i]`` are candidate i's standard
    normals.
    """
    k = len(mean)
    samples = [[mean[i] + sd[i] * z for z in draws[i]] for i in range(k)]
    others = [i for i in range(k) if i not in executed]
    scores: dict[frozenset[int], float] = {}
    pruned: set[frozenset[int]] = set()
    best, best_score, best_cost = executed, float("-inf"), 0.0
    for count in range(max(len(executed), 1), max_depth + 1):
        for added in combinations(others, count - len(executed)):
            members = executed.union(added)
            smaller = [members - {i} for i in added if len(members) > 1]
            if any(s in pruned for s in smaller):
                pruned.add(members)
                continue
            total = sum(cost[i] for i in members)
            score = expected_max([samples[i] for i in members]) - lam * total
            if any(score < scores[s] for s in smaller):
                pruned.add(members)
                continue
            scores[members] = score
            tie = 1e-9 * (abs(score) + 2 * lam * total)
            if score > best_score + tie or (score >= best_score - tie and total < best_cost):
                best, best_score, best_cost = members, score, total
    return best


def expected_max(columns: list[list[float]]) -> float:
    """Mean over the draws of the largest sample."""
    if len(columns) == 1:
        return sum(columns[0]) / len(columns[0])
    total: float = sum(map(max, *columns))
    return total / len(columns[0])
