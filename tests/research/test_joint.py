"""One joint Gaussian over qualities and signals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.research.joint import JointGaussian, crossfit_joint, fit_joint
from benchmarks.research.joint_signals import Signals
from penstock.answers.published_features import Answers
from penstock.errors import InputError
from penstock.types import FloatArray
from tests.estimators.post_hoc.worlds import World, slope, world_of

WORLD = world_of()
SETS = (0b000, 0b001, 0b010, 0b011, 0b101, 0b110, 0b111)


def signals_of(world: World = WORLD, **settings: bool) -> Signals:
    return Signals.of(world.ex_ante, world.post_hoc, world.answers, **settings)


def made_up(seed: int = 0, *, k: int = 3) -> JointGaussian:
    """A Gaussian with any covariance at all, its means and scale such that nothing is clipped."""
    rng = np.random.default_rng(seed)
    p = 2 * k + k * (k - 1) // 2
    root = rng.normal(size=(k + p, k + p)) * 0.01
    return JointGaussian(k, np.full(k + p, 0.5), root @ root.T, 0.0, 100)


def drawn(model: JointGaussian, n: int = 30, seed: int = 1) -> Signals:
    k = model.count
    rng = np.random.default_rng(seed)
    cells = rng.multivariate_normal(model.mean, model.covariance, size=n)
    return Signals(cells[:, k:], np.ones((n, k), dtype=bool))


@pytest.mark.parametrize("executed", SETS)
def test_estimates_are_those_of_direct_conditioning(executed: int) -> None:
    model = made_up()
    signals = drawn(model)
    seen = signals.seen(executed)
    # another way to the same numbers: the block of the inverse of the joint covariance of (q, seen)
    part = [0, 1, 2, *(3 + seen).tolist()]
    precision = np.linalg.inv(model.covariance[np.ix_(part, part)])
    left = np.linalg.inv(precision[:3, :3])
    surprise = signals.values[:, seen] - model.mean[3 + seen]
    expected = model.mean[:3] - surprise @ (left @ precision[:3, 3:]).T
    estimate, factor = model.condition(executed, signals)
    np.testing.assert_allclose(estimate, expected, atol=1e-7)
    everything = np.linalg.inv(np.linalg.inv(model.covariance)[:3, :3])
    ran = np.array([bool(executed >> i & 1) for i in range(3)])
    moves = np.where(ran[:, None] | ran, 0.0, left - everything)
    np.testing.assert_allclose(factor @ factor.T, moves, atol=1e-8)
    assert not factor[ran].any()


def test_a_set_shows_its_members_answers_and_their_agreement() -> None:
    signals = signals_of()
    # ex-ante 0-2, post-hoc 3-5, pairs (0,1) (0,2) (1,2) at 6-8
    assert signals.seen(0).tolist() == [0, 1, 2]
    assert sorted(signals.seen(0b101).tolist()) == [0, 1, 2, 3, 5, 7]
    assert sorted(signals.seen(0b111).tolist()) == list(range(9))
    assert sorted(signals_of(agreement=False).seen(0b111).tolist()) == list(range(6))


@pytest.mark.parametrize("executed", SETS)
def test_estimates_of_later_states_average_to_those_of_earlier_ones(executed: int) -> None:
    signals, model = signals_of(), fit_joint(signals_of(), WORLD.quality)
    now, then = (model.unclipped(s, signals) for s in (executed, 0b111))
    np.testing.assert_allclose(now.mean(axis=0), then.mean(axis=0), atol=1e-12)
    cut = model.estimate(executed, signals) - model.estimate(0b111, signals)
    assert np.abs(cut.mean(axis=0)).max() < 0.015


def test_moves_are_those_that_happen() -> None:
    world, test = WORLD, world_of(4000, seed=8)
    model = fit_joint(signals_of(world), world.quality)
    later = model.estimate(0b111, signals_of(test)) - model.estimate(0b001, signals_of(test))
    predicted = model.moves(0b001, None, signals_of(test))
    np.testing.assert_allclose(np.cov(later.T)[1:, 1:], predicted[1:, 1:], rtol=0.25)
    step = model.estimate(0b011, signals_of(test)) - model.estimate(0b001, signals_of(test))
    assert model.shift_sd(0b001, signals_of(test))[1] == pytest.approx(step[:, 1].std(), rel=0.15)


def test_what_has_been_seen_makes_estimates_better() -> None:
    estimates = crossfit_joint(signals_of(), WORLD.quality, WORLD.fold)
    errors = [
        float(((estimates.estimate(s)[:, 0] - WORLD.quality[:, 0]) ** 2).mean())
        for s in (0, 0b001, 0b011, 0b111)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > errors[-1] + 0.04


@pytest.mark.parametrize("executed", SETS)
def test_refined_estimates_have_slope_one_on_ex_ante_but_for_clipping(executed: int) -> None:
    test = world_of(4000, seed=8)
    model = fit_joint(signals_of(), WORLD.quality)
    means, estimates = model.unclipped(executed, signals_of(test)), model.estimate(executed, signals_of(test))
    for i in range(3):
        assert slope(means[:, i], test.ex_ante[:, i]) == pytest.approx(1.0, abs=0.08)
        assert 0.8 < slope(estimates[:, i], test.ex_ante[:, i]) < 1.08


def test_no_row_sees_its_own_outcome() -> None:
    held = WORLD.fold == 2
    flipped = np.where(held[:, None], 1.0 - WORLD.quality, WORLD.quality)
    honest = crossfit_joint(signals_of(), WORLD.quality, WORLD.fold)
    planted = crossfit_joint(signals_of(), flipped, WORLD.fold)
    for executed in SETS:
        same = honest.estimate(executed) == planted.estimate(executed)
        assert same[held].all()
        assert not same[~held].all()


def test_fewer_rows_are_shrunk_more() -> None:
    shares = [
        fit_joint(signals_of().rows(np.arange(n)), WORLD.quality[:n]).shrinkage for n in (20, 100, 1200)
    ]
    assert shares[0] > shares[1] > shares[2] > 0
    flat = fit_joint(signals_of(), WORLD.quality, shrinkage=1.0)
    expected = np.broadcast_to(WORLD.quality.mean(axis=0), (1200, 3))
    np.testing.assert_allclose(flat.estimate(0b111, signals_of()), expected)
    assert not flat.shift_sqrt(0, signals_of()).any()


def test_what_is_missing_is_not_conditioned_on() -> None:
    model, whole = fit_joint(signals_of(), WORLD.quality), signals_of()
    asked = np.ones((1200, 3), dtype=bool)
    asked[:7, 1] = False
    part = Answers(WORLD.answers.codes, WORLD.answers.own, asked, asked)
    signals = Signals.of(WORLD.ex_ante, np.where(asked, WORLD.post_hoc, np.nan), part)
    partly = model.estimate(0b111, signals)
    np.testing.assert_array_equal(partly[7:], model.estimate(0b111, whole)[7:])
    without = model.estimate(0b101, whole)
    np.testing.assert_allclose(partly[:7, [0, 2]], without[:7, [0, 2]], atol=1e-12)
    assert (partly[:7, 1] == 0.0).all()


def test_incomplete_rows_are_tolerated_in_fitting() -> None:
    quality = WORLD.quality.copy()
    quality[::3, 0] = np.nan
    model = fit_joint(signals_of(), quality)
    assert model.rows == 800
    assert model.mean[0] == pytest.approx(np.nanmean(quality[:, 0]))
    assert model.mean[1] == pytest.approx(quality[:, 1].mean())


def test_a_refusal_is_worth_nothing_once_it_has_been_seen() -> None:
    answered = np.ones((1200, 3), dtype=bool)
    answered[:50, 1] = False
    signals = replace(signals_of(), answered=answered)
    model = fit_joint(signals, WORLD.quality)
    assert (model.estimate(0b010, signals)[:50, 1] == 0.0).all()
    assert (model.estimate(0b001, signals)[:50, 1] > 0.0).any()


def test_one_candidate() -> None:
    world = world_of(300, 1)
    signals = signals_of(world)
    model = fit_joint(signals, world.quality)
    assert model.estimate(1, signals).shape == (300, 1)
    assert model.shift_sqrt(0, signals)[0, 0] > 0.05
    assert model.shift_sqrt(1, signals).tolist() == [[0.0]]


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_quality_is_predicted(level: float) -> None:
    constant: FloatArray = np.full_like(WORLD.quality, level)
    for world in (WORLD, replace(WORLD, ex_ante=constant)):
        model = fit_joint(signals_of(world), constant)
        for executed in SETS:
            np.testing.assert_allclose(model.estimate(executed, signals_of(world)), level, atol=1e-9)
            assert np.abs(model.shift_sqrt(executed, signals_of(world))).max() < 1e-6


def test_bad_input_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="not a number"):
        signals_of(replace(WORLD, ex_ante=np.full_like(WORLD.ex_ante, np.nan)))
    with pytest.raises(InputError, match="do not belong"):
        Signals.of(WORLD.ex_ante[:5], WORLD.post_hoc, WORLD.answers)
    with pytest.raises(InputError, match="does not belong"):
        fit_joint(signals_of(), WORLD.quality[:5])
    with pytest.raises(InputError, match="takes 2"):
        fit_joint(signals_of(), np.full_like(WORLD.quality, np.nan))
    with pytest.raises(InputError, match="a share"):
        fit_joint(signals_of(), WORLD.quality, shrinkage=1.5)
    with pytest.raises(InputError, match="two folds"):
        crossfit_joint(signals_of(), WORLD.quality, np.zeros(1200, dtype=np.int64))
    with pytest.raises(InputError, match="not a set of 3"):
        fit_joint(signals_of(), WORLD.quality).estimate(8, signals_of())
