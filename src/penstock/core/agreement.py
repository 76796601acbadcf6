"""What answers that agree or differ say about who is right, and whether asking one more is worth its price.

The model. A query has a latent node t (how hard it is, and whether it is a trap). Given the node candidates
are right independently of each other, candidate j with probability ``sigmoid(logit[j] + level[j, t])``. Right
answers mostly coincide, wrong ones sometimes do: within each kind an answer repeats an earlier group of size
m with probability m / (concentration + answers of that kind so far), else it is new (Ewens' sampling formula;
exchangeable, so the order of the calls does not matter). Traps are nodes where wrong answers coincide often.
``log_ratio`` is the log-likelihood ratio of right against wrong that an answer's own features carry.

State of a query: ``P[h, t]``, the probability of node t and of exactly the groups in bit mask h being right.
Everything follows by summing it: exact posteriors for any executed set, and exact outcome probabilities of
calling one more candidate, which is what looking ahead needs.

At most ``GROUPS`` groups are told apart; later answers, and answers without a comparable form, are judged by
their node and their own features. Preconditions: finite arrays, weights and concentrations > 0, price >= 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core._jit import use_compiled
from penstock.types import BoolArray, FloatArray, IntArray

GROUPS = 6
NONE = -1
"""The code of an answer that cannot be compared."""
TIE = 1e-10
"""Values this close are equal: two candidates that will both be called are worth the same in either order."""
EXTREME = 20.0
"""Logits are cut here: a certainty that evidence could never overrule is none a table can teach."""


@dataclass(frozen=True)
class AgreementParams:
    """m fitted params of k candidates on T nodes: ``level`` (m, k, T), ``weight`` (m, T) of the nodes, the
    concentrations ``wrong`` (m, T) and ``right`` (m,)."""

    level: FloatArray
    weight: FloatArray
    wrong: FloatArray
    right: FloatArray

    def chances(self, which: int, logit: FloatArray) -> FloatArray:
        """(k, T) probabilities of being right at every node, of one query with ``logit`` (k,)."""
        z = np.clip(logit[:, None] + self.level[which], -EXTREME, EXTREME)
        chances: FloatArray = 1.0 / (1.0 + np.exp(-z))
        return chances


@dataclass(frozen=True)
class Evidence:
    """What may be known of n queries: ``logit`` (n, k) ex ante; of executed candidates the answer's ``code``
    (n, k; equal within a query for equal answers, ``NONE`` where not comparable) and ``log_ratio`` (n, k;
    -inf for one known to be wrong); and ``which`` (n,) model speaks of the query."""

    logit: FloatArray
    code: IntArray
    log_ratio: FloatArray
    which: IntArray


def posterior(
    params: AgreementParams, evidence: Evidence, executed: BoolArray, *, compiled: bool | None = None
) -> FloatArray:
    """(n, k) probability that each candidate is right given what the executed (n, k) answered."""
    if use_compiled(compiled, len(executed)):
        from penstock.core import _compiled_agreement

        quality = np.empty(executed.shape)
        _compiled_agreement.posteriors(
            params.level, params.weight, params.wrong, params.right,
            _flat(evidence.logit), _flat(evidence.log_ratio), evidence.code, evidence.which, executed,
            quality,
        )  # fmt: skip
        return quality
    rows = [_posterior(params, evidence, executed, i) for i in range(len(executed))]
    return np.array(rows).reshape(executed.shape)


def next_call(
    params: AgreementParams,
    evidence: Evidence,
    executed: BoolArray,
    open_: BoolArray,
    price: FloatArray,
    *,
    first: int = 2,
    then: int = 1,
    compiled: bool | None = None,
) -> IntArray:
    """(n,) the open candidate to call next, or -1 to stop: the best of stopping now, and of calling j and
    then doing what is best when at most ``then`` further looks (``first`` before anything has run; 0, 1 or 2)
    and one last call that is accepted unseen are still allowed.

    ``price`` (n, k) is lambda x cost in units of quality. Where nothing has run something open is called.
    Ties stop, else the first candidate. An answer is expected to be comparable; its own features are not.
    """
    if use_compiled(compiled, len(executed)):
        from penstock.core import _compiled_agreement

        call = np.empty(len(executed), dtype=np.int64)
        _compiled_agreement.next_call(
            params.level, params.weight, params.wrong, params.right,
            _flat(evidence.logit), _flat(evidence.log_ratio), _flat(price), evidence.code, evidence.which,
            executed, open_, first, then, TIE, call,
        )  # fmt: skip
        return call
    calls = [
        _next_call(params, evidence, executed, open_, price, first, then, i) for i in range(len(executed))
    ]
    return np.array(calls, dtype=np.int64)


def _flat(array: FloatArray) -> FloatArray:
    return np.ascontiguousarray(array, dtype=np.float64)


@dataclass(frozen=True)
class _Conditioned:
    """One query after its executed candidates: ``P`` (2^g, T), group ``sizes`` (g,), each executed
    candidate's ``group`` (-1 for none) and the ``ungrouped``: best chance among those without a group."""

    P: FloatArray
    sizes: IntArray
    group: dict[int, int]
    ungrouped: float


def _condition(
    params: AgreementParams, evidence: Evidence, executed: BoolArray, i: int, chances: FloatArray
) -> _Conditioned:
    model = int(evidence.which[i])
    P = (params.weight[model] / params.weight[model].sum())[None, :]
    sizes, codes = np.zeros(0, dtype=np.int64), list[int]()
    group: dict[int, int] = {}
    odds = np.exp(evidence.log_ratio[i])
    for j in np.flatnonzero(executed[i]).tolist():
        code = int(evidence.code[i, j])
        if code == NONE or (code not in codes and len(codes) == GROUPS):
            group[j] = -1
            P = P * (chances[j] * odds[j] + 1.0 - chances[j])
        else:
            if code not in codes:
                codes.append(code)
            group[j] = codes.index(code)
            P, sizes = _child(params, model, P, sizes, chances[j][None], group[j], float(odds[j]))
            P = P[0]
        P = P / P.sum()
    node = P.sum(axis=0)
    alone = [_alone(node, chances[j], float(odds[j])) for j, g in group.items() if g < 0]
    return _Conditioned(P, sizes, group, max(alone, default=0.0))


def _alone(node: FloatArray, chance: FloatArray, odds: float) -> float:
    """Probability that an answer outside the groups is right."""
    right = chance * odds
    return float((node * right / (right + 1.0 - chance)).sum())


def _posterior(params: AgreementParams, evidence: Evidence, executed: BoolArray, i: int) -> FloatArray:
    chances = params.chances(int(evidence.which[i]), evidence.logit[i])
    told = _condition(params, evidence, executed, i, chances)
    node = told.P.sum(axis=0)
    quality: FloatArray = chances @ node
    right = _right_groups(told.P, len(told.sizes))
    for j, g in told.group.items():
        quality[j] = right[g] if g >= 0 else _alone(node, chances[j], float(np.exp(evidence.log_ratio[i, j])))
    return quality


def _right_groups(P: FloatArray, groups: int) -> FloatArray:
    """(..., g) mass of each group being right, of ``P`` (..., 2^g, T)."""
    mass = P.sum(axis=-1)
    holds = (np.arange(1 << groups)[:, None] >> np.arange(groups)) & 1
    right: FloatArray = mass @ holds.astype(np.float64)
    return right


def _child(
    params: AgreementParams,
    model: int,
    P: FloatArray,
    sizes: IntArray,
    chances: FloatArray,
    outcome: int,
    odds: float = 1.0,
) -> tuple[FloatArray, IntArray]:
    """Unnormalised state after an answer that joins group ``outcome`` (a new one if there is none such), for
    each of c candidates with ``chances`` (c, T): (c, H, T), and the new sizes."""
    groups = len(sizes)
    mask = np.arange(len(P))
    right_so_far = ((mask[:, None] >> np.arange(groups)) & 1) @ sizes
    wrong_so_far = sizes.sum() - right_so_far
    per_right = params.right[model] + right_so_far[:, None]
    per_wrong = params.wrong[model][None, :] + wrong_so_far[:, None]
    right, wrong = odds * chances[:, None, :], 1.0 - chances[:, None, :]
    if outcome < groups:
        joins = (mask >> outcome & 1 == 1)[:, None]
        size = sizes[outcome]
        after = np.where(joins, P * (size / per_right) * right, P * (size / per_wrong) * wrong)
        grown = sizes.copy()
        grown[outcome] += 1
        return after, grown
    new_wrong = P * (params.wrong[model] / per_wrong) * wrong
    new_right = P * (params.right[model] / per_right) * right
    return np.concatenate([new_wrong, new_right], axis=1), np.append(sizes, 1)


def _next_call(
    params: AgreementParams,
    evidence: Evidence,
    executed: BoolArray,
    open_: BoolArray,
    price: FloatArray,
    first: int,
    then: int,
    i: int,
) -> int:
    model = int(evidence.which[i])
    chances = params.chances(model, evidence.logit[i])
    told = _condition(params, evidence, executed, i, chances)
    candidates = np.flatnonzero(open_[i] & ~executed[i])
    if not candidates.size:
        return -1
    nothing = not executed[i].any()
    depth = first if nothing else then
    values = _calls(
        params, model, told.P, told.sizes, chances[candidates], price[i, candidates], told.ungrouped, depth
    )
    best, call = -np.inf if nothing else _stop(told.P[None], len(told.sizes), told.ungrouped)[0], -1
    for j, value in zip(candidates.tolist(), values.tolist(), strict=True):
        if value > best + TIE:
            best, call = value, j
    return call


def _stop(P: FloatArray, groups: int, ungrouped: float) -> FloatArray:
    """(c,) unnormalised value of accepting the best answer there is, of states (c, H, T)."""
    best: FloatArray = ungrouped * P.sum(axis=(1, 2))
    return np.maximum(best, _right_groups(P, groups).max(axis=1)) if groups else best


def _calls(
    params: AgreementParams,
    model: int,
    P: FloatArray,
    sizes: IntArray,
    chances: FloatArray,
    price: FloatArray,
    ungrouped: float,
    depth: int,
) -> FloatArray:
    """(c,) unnormalised value of calling each open candidate next, with ``depth`` further looks."""
    total = P.sum()
    if depth == 0 or len(sizes) == GROUPS:
        values: FloatArray = chances @ P.sum(axis=0) - price * total
        return values
    values = -price * total
    for outcome in range(len(sizes) + 1):
        after, grown = _child(params, model, P, sizes, chances, outcome)
        if depth == 1 or len(grown) == GROUPS:
            values += np.maximum(_stop(after, len(grown), ungrouped), _last_call(after, chances, price))
            continue
        stop = _stop(after, len(grown), ungrouped)
        for j in range(len(chances)):
            others = np.arange(len(chances)) != j
            more = _calls(
                params, model, after[j], grown, chances[others], price[others], ungrouped, depth - 1
            )
            values[j] += max(float(stop[j]), float(more.max(initial=-np.inf)))
    return values


def _last_call(after: FloatArray, chances: FloatArray, price: FloatArray) -> FloatArray:
    """(c,) best value of one more call that is accepted unseen, after each candidate's own answer."""
    node = after.sum(axis=1)
    value = node @ chances.T - node.sum(axis=1)[:, None] * price[None, :]
    np.fill_diagonal(value, -np.inf)
    best: FloatArray = value.max(axis=1, initial=-np.inf)
    return best
