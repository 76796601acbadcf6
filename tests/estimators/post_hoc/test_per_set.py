"""One regression per (predicted candidate, executed set)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.estimators.post_hoc.per_set import PUBLISHED, PerSet, PerSetSettings, fit_per_set
from penstock.estimators.post_hoc.set_features import SetRows
from penstock.types import FloatArray
from tests.estimators.post_hoc.worlds import World, slope, world_of

WORLD = world_of()
SETS = (0b000, 0b001, 0b010, 0b011, 0b101, 0b110, 0b111)
REFINED, UNREFINED = PerSetSettings(), PerSetSettings(refine=False)


def fitted(world: World = WORLD, settings: PerSetSettings = REFINED, **changes: FloatArray) -> PerSet:
    arrays = {"quality": world.quality, "weight": world.weight, "ex_ante": world.ex_ante, **changes}
    return fit_per_set(
        world.answers, arrays["ex_ante"], arrays["quality"], arrays["weight"], world.fold, settings=settings
    )


def brier(estimates: FloatArray, quality: FloatArray) -> float:
    return float(((estimates - quality) ** 2).mean())


@pytest.mark.parametrize("executed", [0b001, 0b011, 0b111])
def test_refined_estimates_have_slope_one_on_ex_ante_and_published_ones_have_not(executed: int) -> None:
    refined = fitted().out_of_fold(executed)[:, 0]
    published = fitted(settings=UNREFINED).out_of_fold(executed)[:, 0]
    assert slope(refined, WORLD.ex_ante[:, 0]) == pytest.approx(1.0, abs=0.08)
    intercept = refined.mean() - slope(refined, WORLD.ex_ante[:, 0]) * WORLD.ex_ante[:, 0].mean()
    assert intercept == pytest.approx(0.0, abs=0.06)
    assert slope(published, WORLD.ex_ante[:, 0]) < 0.7


def test_what_has_been_seen_makes_estimates_better() -> None:
    model = fitted()
    errors = [brier(model.out_of_fold(s)[:, 0], WORLD.quality[:, 0]) for s in (0b000, 0b001, 0b011, 0b111)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > errors[-1] + 0.05


def test_agreement_speaks_for_both() -> None:
    estimates = fitted().out_of_fold(0b011)
    same = WORLD.answers.codes[:, 0] == WORLD.answers.codes[:, 1]
    for i in (0, 1):
        moved = estimates[:, i] - WORLD.ex_ante[:, i]
        assert moved[same].mean() > 0.1 > -0.1 > moved[~same].mean()


def test_before_anything_has_run_the_refined_estimate_is_the_ex_ante_one() -> None:
    np.testing.assert_array_equal(fitted().out_of_fold(0), WORLD.ex_ante)
    # one answer alone says nothing of the others in the published features
    np.testing.assert_array_equal(fitted().out_of_fold(0b001)[:, 1:], WORLD.ex_ante[:, 1:])


def test_published_estimates_use_no_ex_ante_estimate() -> None:
    other = fitted(settings=PUBLISHED, ex_ante=np.full_like(WORLD.ex_ante, 0.5))
    for executed in SETS:
        expected = fitted(settings=PUBLISHED).out_of_fold(executed)
        np.testing.assert_array_equal(other.out_of_fold(executed), expected)


def test_the_others_certainty_is_a_feature_only_where_asked_for() -> None:
    world = world_of(signal=2.0)
    # candidate 1 is right exactly where candidate 0 is, whose certainty therefore tells
    twin = replace(world, quality=world.quality[:, [0, 0, 2]])
    errors = [
        brier(fitted(twin, PerSetSettings(others=o)).out_of_fold(0b001)[:, 1], twin.quality[:, 1])
        for o in (False, True)
    ]
    assert errors[1] < errors[0] - 0.03


def test_a_task_is_told_apart_where_it_may_be() -> None:
    rng = np.random.default_rng(3)
    task = np.array(["easy", "hard"])[rng.integers(2, size=1200)]
    quality = (rng.random((1200, 3)) < np.where(task == "easy", 0.9, 0.2)[:, None]).astype(np.float64)
    args = (WORLD.answers, WORLD.ex_ante, quality, WORLD.weight, WORLD.fold)
    told = fit_per_set(*args, task=task, settings=PUBLISHED).out_of_fold(0)[:, 0]
    untold = fit_per_set(*args, settings=PUBLISHED).out_of_fold(0)[:, 0]
    assert told[task == "easy"].mean() - told[task == "hard"].mean() > 0.6
    assert abs(untold[task == "easy"].mean() - untold[task == "hard"].mean()) < 0.05


@pytest.mark.parametrize("executed", SETS)
def test_estimates_do_not_drift(executed: int) -> None:
    error = (WORLD.quality - WORLD.ex_ante).std() / np.sqrt(len(WORLD.quality))
    assert np.abs(fitted().drift(executed)).max() < 3 * error


@pytest.mark.parametrize("executed", SETS)
def test_factors_square_to_the_moves_of_those_who_have_not_run(executed: int) -> None:
    model = fitted()
    ran = np.array([bool(executed >> i & 1) for i in range(3)])
    factor = model.shift_sqrt(executed)
    assert not factor[ran].any()
    covariance = np.where(ran[:, None] | ran, 0.0, model.covariance(executed))
    np.testing.assert_allclose(factor @ factor.T, covariance, atol=1e-12)
    spread = model.shift_sd(executed)
    assert not spread[ran].any()
    assert (spread[~ran] > 0.05).all()


def test_covariances_are_those_of_out_of_fold_moves() -> None:
    model = fitted()
    moved = model.out_of_fold(0b001) - model.out_of_fold(0b111)
    np.testing.assert_allclose(model.covariance(0b001), np.cov(moved.T), atol=1e-12)
    np.testing.assert_allclose(model.drift(0b001), moved.mean(axis=0), atol=1e-12)


def test_a_spread_is_the_move_when_the_candidate_runs_next() -> None:
    model = fitted()
    step = model.out_of_fold(0b001)[:, 1] - model.out_of_fold(0b011)[:, 1]
    assert model.shift_sd(0b001)[1] == pytest.approx(step.std(ddof=1))
    everything = fitted(settings=replace(REFINED, look="all"))
    assert everything.shift_sd(0b001)[1] == pytest.approx(np.sqrt(model.covariance(0b001)[1, 1]))


def test_diagonals_and_the_reference_code_s_slip() -> None:
    deviation = fitted(settings=replace(REFINED, diagonal=True)).shift_sqrt(0b001)
    variance = fitted(settings=replace(REFINED, variance_slip=True)).shift_sqrt(0b001)
    assert not (deviation - np.diag(np.diag(deviation))).any()
    np.testing.assert_allclose(np.diag(deviation) ** 2, [0.0, *np.diag(fitted().covariance(0b001))[1:]])
    np.testing.assert_allclose(variance, deviation**2)


@pytest.mark.parametrize("settings", [REFINED, UNREFINED, PerSetSettings(others=True, penalties=(1.0, 30.0))])
def test_no_row_sees_its_own_outcome(settings: PerSetSettings) -> None:
    held = WORLD.fold == 2
    flipped = np.where(held[:, None], 1.0 - WORLD.quality, WORLD.quality)
    for executed in SETS:
        honest = fitted(settings=settings).out_of_fold(executed)
        planted = fitted(settings=settings, quality=flipped).out_of_fold(executed)
        np.testing.assert_array_equal(planted[held], honest[held])
        assert executed == 0 or not np.array_equal(planted[~held], honest[~held])


def test_pure_noise_is_not_learnt() -> None:
    rng = np.random.default_rng(5)
    world = world_of(200)
    own = rng.normal(size=world.answers.own.shape)
    noise = replace(
        world,
        ex_ante=np.full((200, 3), 0.5),
        quality=rng.integers(0, 2, size=(200, 3)).astype(np.float64),
        answers=replace(world.answers, own=own),
    )
    model = fitted(noise, PerSetSettings(others=True, penalties=(0.1,)))
    rows = SetRows.of(noise.answers, noise.ex_ante)
    assert brier(model.estimate(0b111, rows), noise.quality) < 0.24  # fitted on these very rows
    assert brier(model.out_of_fold(0b111), noise.quality) > 0.25


def test_new_rows_are_estimated_one_by_one_as_together() -> None:
    new = world_of(20, seed=9)
    rows = SetRows.of(new.answers, new.ex_ante)
    model = fitted()
    for executed in SETS:
        together = model.on(rows).estimate(executed)
        alone = [model.on(rows).estimate(executed, np.array([i])) for i in range(20)]
        np.testing.assert_allclose(np.concatenate(alone), together, atol=1e-12)
        assert ((together >= 0) & (together <= 1)).all()


def test_fitting_rows_are_addressed_by_position() -> None:
    model, chosen = fitted(), np.array([5, 900, 17])
    part = model.on_fitting_rows(chosen)
    assert part.shape == (3, 3)
    everywhere = model.out_of_fold(0b011)
    np.testing.assert_allclose(part.estimate(0b011), everywhere[chosen], atol=1e-12)
    np.testing.assert_allclose(part.estimate(0b011, np.array([2])), everywhere[[17]], atol=1e-12)


def test_a_refusal_is_worth_nothing_once_it_has_been_seen() -> None:
    answered = WORLD.answers.answered.copy()
    answered[:100, 1] = False
    model = fitted(replace(WORLD, answers=replace(WORLD.answers, answered=answered)))
    assert (model.out_of_fold(0b010)[:100, 1] == 0.0).all()
    assert (model.out_of_fold(0b001)[:100, 1] > 0.0).all()


def test_what_is_missing_is_never_read() -> None:
    rng = np.random.default_rng(1)
    asked = rng.random((1200, 3)) > 0.3
    results = []
    for junk in (0.0, 1.0):
        own = np.where(asked[:, :, None], WORLD.answers.own, junk * 50)
        codes = np.where(asked, WORLD.answers.codes, -1)
        answers = replace(WORLD.answers, own=own, codes=codes, asked=asked, answered=asked)
        quality = np.where(asked, WORLD.quality, junk if junk else np.nan)
        world = replace(WORLD, answers=answers, quality=quality, weight=asked.astype(np.float64))
        model = fitted(world)
        new = SetRows.of(world_of(20, seed=9).answers, world_of(20, seed=9).ex_ante)
        results.append([model.estimate(s, new) for s in SETS] + [model.shift_sqrt(s) for s in SETS])
    for one, other in zip(*results, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)


def test_one_candidate() -> None:
    world = world_of(300, 1)
    model = fitted(world)
    assert model.out_of_fold(1).shape == (300, 1)
    assert model.shift_sqrt(0)[0, 0] > 0.05
    assert model.shift_sqrt(1).tolist() == [[0.0]]


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("settings", [REFINED, UNREFINED])
def test_constant_quality_is_predicted(level: float, settings: PerSetSettings) -> None:
    constant = np.full_like(WORLD.quality, level)
    model = fitted(settings=settings, quality=constant, ex_ante=constant)
    for executed in SETS:
        np.testing.assert_allclose(model.out_of_fold(executed), level, atol=0.02)
        assert np.isfinite(model.shift_sqrt(executed)).all()


def test_a_candidate_never_observed_harms_nobody() -> None:
    weight = WORLD.weight * [1, 0, 1]
    quality = np.where(weight > 0, WORLD.quality, np.nan)
    for settings in (REFINED, UNREFINED):
        model = fitted(settings=settings, weight=weight, quality=quality)
        assert all(np.isfinite(model.out_of_fold(s)).all() for s in SETS)


def test_the_same_rows_give_the_same_estimates_in_whatever_order_sets_are_asked_for() -> None:
    one, other = fitted(), fitted()
    first = [one.out_of_fold(s) for s in SETS]
    again = [other.out_of_fold(s) for s in reversed(SETS)][::-1]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_sets_beyond_the_cap_are_refused_but_the_full_one_is_kept() -> None:
    model = fitted(settings=replace(REFINED, max_depth=1))
    assert model.out_of_fold(0b111).shape == (1200, 3)
    assert (model.shift_sd(0b001)[1:] > 0).all()
    with pytest.raises(InputError, match="depth cap of 1"):
        model.out_of_fold(0b011)


def test_bad_input_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="depth cap must be at least 1"):
        PerSetSettings(max_depth=0)
    with pytest.raises(InputError, match="not a number"):
        fitted(ex_ante=np.where(WORLD.ex_ante > 0.99, np.nan, WORLD.ex_ante))
    with pytest.raises(InputError, match="at least two folds"):
        fitted(replace(WORLD, fold=np.zeros(1200, dtype=np.int64)))
    with pytest.raises(InputError, match="do not belong"):
        fitted(quality=WORLD.quality[:10])
    with pytest.raises(InputError, match="not a set of 3 candidates"):
        fitted().out_of_fold(0b1000)
    nobody = replace(WORLD.answers, asked=np.zeros((1200, 3), dtype=bool))
    with pytest.raises(InputError, match="complete rows"):
        fitted(replace(WORLD, answers=nobody)).shift_sqrt(0)
