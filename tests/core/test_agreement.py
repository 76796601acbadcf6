"""Posteriors and looking ahead: against enumeration of the law, and the compiled form against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from penstock.core import agreement
from penstock.core._jit import installed
from penstock.core.agreement import NONE, AgreementParams, Evidence, next_call, posterior
from penstock.types import BoolArray, FloatArray, IntArray

FORMS = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not installed(), reason="numba is not installed")),
]


def law_of(rng: np.random.Generator, k: int, nodes: int = 3, params: int = 1) -> AgreementParams:
    weight = rng.dirichlet(np.ones(nodes), params)
    return AgreementParams(
        level=rng.normal(0.5, 1.5, (params, k, nodes)),
        weight=weight,
        wrong=rng.uniform(0.2, 6.0, (params, nodes)),
        right=rng.uniform(0.01, 0.5, params),
    )


def sight_of(rng: np.random.Generator, n: int, k: int, params: int = 1) -> Evidence:
    code = rng.integers(0, 4, (n, k))
    code[rng.random((n, k)) < 0.15] = NONE
    sign = rng.normal(0, 0.7, (n, k))
    sign[rng.random((n, k)) < 0.05] = -np.inf
    return Evidence(rng.normal(0, 1, (n, k)), code, sign, rng.integers(0, params, n))


def partition_chance(sizes: list[int], concentration: float) -> float:
    """Ewens' formula from its sequential definition: groups fill one after the other."""
    chance, before = 1.0, 0
    for size in sizes:
        for inside in range(size):
            chance *= (concentration if inside == 0 else inside) / (concentration + before)
            before += 1
    return chance


def by_enumeration(params: AgreementParams, evidence: Evidence, ran: list[int], i: int) -> FloatArray:
    """(k,) posterior by summing over every right/wrong pattern of the executed candidates and every node."""
    chances = params.chances(0, evidence.logit[i])
    k = len(chances)
    total, right = 0.0, np.zeros(k)
    for pattern in itertools.product((0, 1), repeat=len(ran)):
        state = dict(zip(ran, pattern, strict=True))
        codes = {j: int(evidence.code[i, j]) for j in ran if evidence.code[i, j] != NONE}
        groups = {c: {state[j] for j, cj in codes.items() if cj == c} for c in codes.values()}
        if any(len(kinds) > 1 for kinds in groups.values()):
            continue  # one answer cannot be right and wrong
        for t in range(chances.shape[1]):
            mass = params.weight[0, t]
            for j in ran:
                mass *= chances[j, t] * np.exp(evidence.log_ratio[i, j]) if state[j] else 1 - chances[j, t]
            for kind, concentration in ((1, params.right[0]), (0, params.wrong[0, t])):
                members = [c for c, kinds in groups.items() if kinds == {kind}]
                mass *= partition_chance([list(codes.values()).count(c) for c in members], concentration)
            total += mass
            for j in range(k):
                right[j] += mass * (state[j] if j in state else chances[j, t])
    return right / total


@pytest.mark.parametrize("compiled", FORMS)
def test_posterior_is_what_enumeration_of_the_law_gives(compiled: bool) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        params, evidence = law_of(rng, 5), sight_of(rng, 1, 5)
        evidence.log_ratio[0, 0] = 0.3  # not everybody may be known to be wrong
        executed = (rng.random((1, 5)) < 0.6) | np.array([[True, False, False, False, False]])
        expected = by_enumeration(params, evidence, np.flatnonzero(executed[0]).tolist(), 0)
        np.testing.assert_allclose(
            posterior(params, evidence, executed, compiled=compiled)[0], expected, atol=1e-10
        )


@pytest.mark.parametrize("compiled", FORMS)
def test_estimates_of_the_next_state_average_to_the_present_one(compiled: bool) -> None:
    """A martingale over the outcomes of one more call, for executed and waiting candidates alike."""
    rng = np.random.default_rng(5)
    params, k = law_of(rng, 4), 4
    evidence = Evidence(
        rng.normal(0, 1, (1, k)), np.array([[0, 1, 0, 0]]), np.zeros((1, k)), np.zeros(1, dtype=int)
    )
    before = np.array([[True, True, False, False]])
    now = posterior(params, evidence, before, compiled=compiled)[0]
    chances = params.chances(0, evidence.logit[0])
    told = agreement._condition(params, evidence, before, 0, chances)
    mean = np.zeros(k)
    for code in (0, 1, 2):
        mass = agreement._child(params, 0, told.P, told.sizes, chances[2][None], code)[0].sum()
        shown = Evidence(evidence.logit, np.array([[0, 1, code, 0]]), evidence.log_ratio, evidence.which)
        after = before | np.array([[False, False, True, False]])
        mean += mass * posterior(params, shown, after, compiled=compiled)[0]
    np.testing.assert_allclose(mean, now, atol=1e-10)


def plan(
    params: AgreementParams, evidence: Evidence, ran: dict[int, int], price: FloatArray, looks: int
) -> tuple[float, int]:
    """(value, call) by dynamic programming over codes, one posterior per state."""
    k = evidence.logit.shape[1]

    def believe(seen: dict[int, int]) -> FloatArray:
        code, executed = np.full((1, k), NONE), np.zeros((1, k), dtype=bool)
        for j, c in seen.items():
            code[0, j], executed[0, j] = c, True
        return posterior(
            params,
            Evidence(evidence.logit, code, evidence.log_ratio, evidence.which),
            executed,
            compiled=False,
        )[0]

    quality = believe(ran)
    best = max((quality[j] for j in ran), default=-np.inf)
    call = -1
    for j in set(range(k)) - set(ran):
        if looks == 0:
            value = quality[j] - price[j]
        else:
            value = -price[j]
            chances = params.chances(0, evidence.logit[0])
            executed = np.array([[i in ran for i in range(k)]])
            code = np.array([[ran.get(i, NONE) for i in range(k)]])
            told = agreement._condition(
                params,
                Evidence(evidence.logit, code, evidence.log_ratio, evidence.which),
                executed,
                0,
                chances,
            )
            order = list(dict.fromkeys(ran[i] for i in sorted(ran)))
            for outcome, c in enumerate([*order, max(order, default=-1) + 1]):
                after = agreement._child(params, 0, told.P, told.sizes, chances[j][None], outcome)[0]
                value += after.sum() * plan(params, evidence, {**ran, j: c}, price, looks - 1)[0]
        if value > best + 1e-12:
            best, call = value, j
    return best, call


@pytest.mark.parametrize("compiled", FORMS)
@pytest.mark.parametrize("looks", [0, 1, 2])
def test_looking_ahead_is_dynamic_programming_with_as_many_looks(compiled: bool, looks: int) -> None:
    rng = np.random.default_rng(looks)
    for trial in range(12):
        k = 4
        params = law_of(rng, k)
        evidence = Evidence(
            rng.normal(0, 1, (1, k)), rng.integers(0, 2, (1, k)), np.zeros((1, k)), np.zeros(1, dtype=int)
        )
        ran = {j: int(evidence.code[0, j]) for j in range(trial % 3)}
        executed = np.array([[j in ran for j in range(k)]])
        price = rng.uniform(0, 0.15, (1, k))
        call = next_call(
            params, evidence, executed, ~executed, price, first=looks, then=looks, compiled=compiled
        )
        assert call[0] == plan(params, evidence, ran, price[0], looks)[1]


def random_case(
    rng: np.random.Generator, n: int, k: int
) -> tuple[AgreementParams, Evidence, BoolArray, BoolArray, FloatArray]:
    executed = rng.random((n, k)) < rng.choice([0.0, 0.3, 0.7], (n, 1))
    return (
        law_of(rng, k, nodes=6, params=3),
        sight_of(rng, n, k, params=3),
        executed,
        rng.random((n, k)) < 0.9,
        rng.uniform(0, 0.3, (n, k)),
    )


@pytest.mark.skipif(not installed(), reason="numba is not installed")
def test_both_forms_go_by_the_same_constants() -> None:
    """Written down twice, because a compiled function on disk would not notice that another file changed."""
    from penstock.core import _compiled_agreement as compiled

    assert (compiled._GROUPS, compiled._NONE, compiled._EXTREME) == (
        agreement.GROUPS,
        agreement.NONE,
        agreement.EXTREME,
    )
    assert 1 << agreement.GROUPS == compiled._STATES


@pytest.mark.skipif(not installed(), reason="numba is not installed")
@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_compiled_and_numpy_agree(k: int) -> None:
    rng = np.random.default_rng(k)
    params, evidence, executed, open_, price = random_case(rng, 40, k)
    both = [posterior(params, evidence, executed, compiled=c) for c in (False, True)]
    np.testing.assert_allclose(both[0], both[1], atol=1e-9)
    for first, then in ((2, 1), (1, 0), (2, 2)):
        calls = [
            next_call(params, evidence, executed, open_, price, first=first, then=then, compiled=c)
            for c in (False, True)
        ]
        np.testing.assert_array_equal(calls[0], calls[1])


@pytest.mark.parametrize("compiled", FORMS)
def test_agreement_raises_and_disagreement_lowers(compiled: bool) -> None:
    params = AgreementParams(np.zeros((1, 3, 1)), np.ones((1, 1)), np.full((1, 1), 4.0), np.array([0.01]))
    which: IntArray = np.zeros(2, dtype=int)
    evidence = Evidence(np.zeros((2, 3)), np.array([[0, 0, 0], [0, 1, 0]]), np.zeros((2, 3)), which)
    executed = np.array([[True, True, False]] * 2)
    same, differ = posterior(params, evidence, executed, compiled=compiled)
    assert same[0] == pytest.approx(same[1])
    assert same[0] > 0.8 > 0.5 > differ[0]
    assert same[2] == pytest.approx(0.5)  # one node: others' answers say nothing of a waiting candidate


@pytest.mark.parametrize("compiled", FORMS)
def test_one_known_to_be_wrong_is_worth_nothing_and_lowers_those_who_agree(compiled: bool) -> None:
    params = AgreementParams(np.zeros((1, 2, 1)), np.ones((1, 1)), np.full((1, 1), 4.0), np.array([0.01]))
    evidence = Evidence(
        np.zeros((1, 2)), np.zeros((1, 2), dtype=int), np.array([[-np.inf, 0.0]]), np.zeros(1, dtype=int)
    )
    quality = posterior(params, evidence, np.ones((1, 2), dtype=bool), compiled=compiled)
    np.testing.assert_allclose(quality, 0.0, atol=1e-12)


@pytest.mark.parametrize("compiled", FORMS)
def test_nobody_open_stops_and_a_free_look_is_taken(compiled: bool) -> None:
    rng = np.random.default_rng(0)
    params, evidence = law_of(rng, 3), sight_of(rng, 1, 3)
    none = np.zeros((1, 3), dtype=bool)
    assert next_call(params, evidence, none, none, np.zeros((1, 3)), compiled=compiled)[0] == -1
    assert next_call(params, evidence, none, ~none, np.full((1, 3), 9.0), compiled=compiled)[0] >= 0
