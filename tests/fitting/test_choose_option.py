"""What is shipped of what was tuned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.fitting.choose_option import ROUTING_TOGETHER, best_ex_ante, choose
from penstock.fitting.crossfit_stages import ExAnteFit
from penstock.fitting.result import MIX, Option
from penstock.fitting.sweep import Sweep
from penstock.fitting.training_data import TrainingData
from penstock.policies.fixed import Fixed
from penstock.router.belief_model import BeliefModel
from penstock.types import FloatArray

N = 400
CLUSTER = np.arange(N)


def option(name: str, quality: FloatArray, middle: float = 0.0) -> Option:
    """Three vertices at costs 0, 1, 2: the fixed candidates at the ends, and between them their mean plus
    ``middle`` on average, the rest of ``quality`` (n,) being noise."""
    ends = np.stack([np.full(N, 0.4), 0.6 + middle + quality - quality.mean(), np.full(N, 0.8)])
    cost = np.repeat([[0.0], [1.0], [2.0]], N, axis=1)
    vertices = Sweep((Fixed(0), Fixed(1), Fixed(2)), cost, ends, np.zeros(3))
    nothing = cast(Any, None)
    area = 0.6 + 0.5 * middle
    return Option(name, cast(BeliefModel, nothing), nothing, nothing, 1, 1, area, {}, vertices)


def noise(seed: int, size: float = 1.0) -> FloatArray:
    return size * np.random.default_rng(seed).normal(size=N)


def options(*found: Option) -> dict[str, Option]:
    return {o.name: o for o in (*found, option(MIX, np.zeros(N)))}


def test_all_together_are_preferred_to_one_that_is_hardly_better() -> None:
    # the difference of the areas has a standard error of 0.5 * sqrt(2 / 400), about 0.035
    pool = options(option("routing/knn", noise(1), 0.10), option(ROUTING_TOGETHER, noise(2), 0.06))
    chosen, why = choose(pool, CLUSTER)
    assert chosen == ROUTING_TOGETHER
    assert "routing/knn 0.6500, less than two standard errors more" in why


def test_one_that_is_clearly_better_is_chosen() -> None:
    pool = options(option("routing/knn", noise(1, 0.1), 0.10), option(ROUTING_TOGETHER, noise(2, 0.1), 0.06))
    assert choose(pool, CLUSTER)[0] == "routing/knn"


def test_rows_of_one_question_count_once() -> None:
    """The same numbers on rows that stand and fall together in ten blocks are less sure."""
    shared = np.repeat(noise(3, 0.1)[:10], N // 10)
    pool = options(option("routing/knn", shared, 0.10), option(ROUTING_TOGETHER, np.zeros(N), 0.06))
    assert choose(pool, CLUSTER)[0] == "routing/knn"
    assert choose(pool, np.repeat(np.arange(10), N // 10))[0] == ROUTING_TOGETHER


def test_the_ensemble_does_not_stand_for_the_mix() -> None:
    """It did not clear the guard, another did."""
    pool = options(option("routing/knn", noise(1), 0.02), option(ROUTING_TOGETHER, np.zeros(N), 0.0))
    assert choose(pool, CLUSTER)[0] == "routing/knn"


def test_looking_at_answers_is_another_thing() -> None:
    pool = options(option("lookahead/knn", noise(1), 0.10), option(ROUTING_TOGETHER, noise(2), 0.09))
    assert choose(pool, CLUSTER)[0] == "lookahead/knn"


@pytest.mark.parametrize("middle", [0.0, -0.1])
def test_the_mix_is_chosen_at_ties(middle: float) -> None:
    chosen, why = choose(options(option("routing/knn", noise(1), middle)), CLUSTER)
    assert chosen == MIX
    assert "none of 1 options is above the mix" in why


def believed(name: str, error: FloatArray) -> ExAnteFit:
    """Estimates (n, 1) that miss an outcome of 0 by ``error`` (n,)."""
    return ExAnteFit(name, cast(BeliefModel, None), error[:, None], 0.0)


def rows_of_nothing() -> TrainingData:
    zeros = np.zeros((N, 1))
    tuning = np.ones(N, dtype=bool)
    known = {"quality": zeros, "weight": zeros + 1.0, "tuning": tuning, "cluster": CLUSTER}
    return cast(TrainingData, SimpleNamespace(**known))


def test_looking_at_answers_starts_from_all_together() -> None:
    start = [believed("knn", 0.2 + noise(1, 0.1)), believed(ENSEMBLE, 0.3 + noise(2, 0.1))]
    assert best_ex_ante(start, rows_of_nothing()).name == ENSEMBLE


def test_of_single_estimators_it_is_the_nearest() -> None:
    start = [believed("knn", 0.31 + noise(1, 0.1)), believed("ridge", 0.3 + noise(1, 0.1))]
    assert best_ex_ante(start, rows_of_nothing()).name == "ridge"
