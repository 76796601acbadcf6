"""From a grid to a guarded choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.core.curves import auc
from penstock.errors import InputError, TableError, TargetError
from penstock.evaluation.replay_on import HeldOutRows, replay_on
from penstock.evaluation.subject import of_fit
from penstock.fitting.fit import fit_matrix
from penstock.fitting.forecast import expect
from penstock.fitting.result import MIX, Fit, router_of
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.policies.fixed import Fixed
from penstock.router.targets import Target
from penstock.testing.tables import NAMES, tiny, tiny_matrix
from penstock.types import Answer, Status

QUICK = FitSettings(estimators=("ridge",), directions=12)
ROUTING = replace(QUICK, policies=("routing",))


def test_a_planted_signal_is_found_by_both_policies(fitted: Fit) -> None:
    assert fitted.chosen != MIX
    cascades = [name for name in fitted.options if name.startswith("cascade/")]
    assert len(cascades) == 1, "policies that look at answers start from the best estimates alone"
    for name in ("routing/ridge", "routing/knn", *cascades):
        option = fitted.options[name]
        assert option.kept > 0
        assert option.auc > fitted.options[MIX].auc + 0.02
    assert fitted.option.auc == max(o.auc for o in fitted.options.values())


def test_every_guarded_frontier_is_a_concave_curve_above_the_mix(fitted: Fit) -> None:
    mix = fitted.fixed_mixture
    for option in fitted.options.values():
        cost, quality = (
            np.array([getattr(p, f) for p in option.frontier.points]) for f in ("cost", "quality")
        )
        assert (np.diff(cost) > 0).all()
        assert (np.diff(quality) > 0).all()
        assert (np.diff(np.diff(quality) / np.diff(cost)) <= 1e-9).all()
        for point in mix.points:
            assert np.interp(point.cost, cost, quality) >= point.quality - 1e-12


def test_where_nothing_can_be_learned_the_router_is_the_mix() -> None:
    fit = fit_matrix(tiny_matrix(150, seed=3, signal=0.0), ROUTING)
    assert fit.chosen == MIX
    assert fit.options["routing/ridge"].kept == 0
    assert fit.options["routing/ridge"].frontier == fit.fixed_mixture
    assert all(isinstance(p.policy, Fixed) for p in fit.option.frontier.points)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_seed_gives_the_same_fit_in_any_number_of_threads(threads: int) -> None:
    several = replace(QUICK, estimators=("ridge", "knn", "stack", "ensemble"))
    first, again = (fit_matrix(tiny_matrix(100), replace(several, threads=t)) for t in (1, threads))
    assert first.chosen == again.chosen
    assert set(first.options) == set(again.options)
    for name, option in first.options.items():
        assert option.frontier == again.options[name].frontier


def test_fitting_does_not_change_the_grid() -> None:
    grid = tiny_matrix(100, missing=0.01)
    before = [a.copy() for a in (grid.quality, grid.cost, grid.propensity)]
    fit_matrix(grid, ROUTING)
    for old, new in zip(before, (grid.quality, grid.cost, grid.propensity), strict=True):
        np.testing.assert_array_equal(old, new)


def test_incomplete_rows_are_counted_and_not_tuned_on() -> None:
    grid = tiny_matrix(200, missing=0.01)
    complete = int((~np.isnan(grid.quality)).all(axis=1).sum())
    assert complete < 200
    fit = fit_matrix(grid, ROUTING)
    assert (fit.rows, fit.dropped) == (complete, 200 - complete)
    assert len(fit.tuning.quality) == complete


def test_a_candidate_that_always_refuses_is_paid_for_and_worth_nothing() -> None:
    grid = tiny_matrix(120)
    quality = grid.quality.copy()
    quality[:, 0] = 0.0
    source = grid.answer_of

    def answer_of(i: int, j: int) -> Answer:
        return replace(source(i, j), status=Status.REFUSED, text="") if j == 0 else source(i, j)

    fit = fit_matrix(replace(grid, quality=quality, answer_of=answer_of), QUICK)
    assert fit.selection.names == NAMES
    assert fit.fixed_mixture.points[0].quality == 0.0
    assert fit.option.frontier.points[-1].quality > 0.5


def test_one_candidate_is_all_there_is() -> None:
    fit = fit_matrix(tiny_matrix(60), QUICK, candidates=["middle"])
    assert fit.chosen == MIX
    assert fit.option.frontier.at(Target.parse("savings=0")).policy == Fixed(0)
    with pytest.raises(TargetError):
        fit.option.frontier.at(Target.parse("savings=0.1"))


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_constant_quality_leaves_the_cheapest(level: float) -> None:
    grid = tiny_matrix(60)
    fit = fit_matrix(replace(grid, quality=np.full_like(grid.quality, level)), QUICK)
    assert fit.selection.names == ("small",)
    assert fit.chosen == MIX


def test_without_prompts_only_answers_can_tell() -> None:
    grid = tiny_matrix(100)
    blank = replace(grid, queries=tuple(replace(q, messages=()) for q in grid.queries))
    fit = fit_matrix(blank, QUICK)
    assert fit.options["routing/ridge"].kept == 0
    assert not fit.chosen.startswith("routing/")


def test_task_names_are_enough_where_they_may_be_used() -> None:
    settings = FitSettings(estimators=("task_mean",), policies=("routing",), features="task")
    assert fit_matrix(tiny_matrix(200), settings).chosen == "routing/task_mean"
    without = replace(settings, features="prompt")
    assert fit_matrix(tiny_matrix(200), without).chosen == MIX


def test_too_few_rows() -> None:
    with pytest.raises(TableError, match=r"only 19 of 19 queries .* at least 20 are needed"):
        fit_matrix(tiny_matrix(19), QUICK)


def test_turns_of_one_question_cannot_be_held_out() -> None:
    with pytest.raises(TableError, match="too few questions"):
        fit_matrix(tiny(60, groups=1).grid, QUICK)


def test_few_questions_are_little_evidence() -> None:
    assert fit_matrix(tiny(60, groups=3).grid, ROUTING).rows == 60


def test_whole_tasks_can_be_left_out() -> None:
    fit = fit_matrix(tiny_matrix(150), replace(ROUTING, fold_by="task"))
    assert set(fit.tuning.cluster.tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"features": "x"}, "--features"),
        ({"fold_by": "x"}, "--fold-by"),
        ({"estimators": ()}, "at least one"),
        ({"policies": ()}, "at least one"),
        ({"estimators": ("ensemble",)}, "name at least two beside it"),
        ({"estimators": ("ensemble", "knn")}, "name at least two beside it"),
    ],
)
def test_settings_that_make_no_sense(fields: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        FitSettings(**fields)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"estimators": ("magic",)}, "estimator"),
        ({"policies": ("magic",)}, "policy"),
        ({"post_hoc": ("magic",)}, "post-hoc estimator"),
        ({"compare": "magic"}, "comparison"),
    ],
)
def test_unknown_names(fields: dict[str, object], what: str) -> None:
    with pytest.raises(InputError, match=f"no {what} is called 'magic'; there are"):
        replace(QUICK, **fields)


def test_a_policy_without_settings_to_try_is_not_fitted() -> None:
    with pytest.raises(InputError, match="'fixed' has no settings to try"):
        replace(QUICK, policies=("routing", "fixed"))


def test_the_ensemble_is_the_mean_of_the_others_and_looked_with_where_it_errs_least() -> None:
    grid = tiny_matrix(200, seed=1)
    names = ("mean", "ridge", "knn")
    fit = fit_matrix(grid, replace(QUICK, estimators=(*names, "ensemble")))
    models = {n: fit.options[f"routing/{n}"].model for n in (*names, "ensemble")}
    before = {n: model.quality(model.encoder.encode(grid.queries)) for n, model in models.items()}
    np.testing.assert_allclose(before["ensemble"], np.mean([before[n] for n in names], axis=0))
    looking = {name.partition("/")[2] for name in fit.options if name.startswith(("cascade/", "index/"))}
    assert len(looking) == 1


def test_an_ensemble_of_one_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where time was short and one estimator is all there is."""
    monkeypatch.setattr(FitSettings, "spent", lambda self, started: True)
    fit = fit_matrix(tiny_matrix(60), replace(QUICK, estimators=("ridge", "knn", "ensemble")))
    assert {name for name in fit.options if name.startswith("routing/")} == {"routing/ridge"}
    assert any("not tried within" in note for note in fit.notes)


def test_progress_reaches_its_end() -> None:
    steps: list[tuple[str, int, int]] = []
    fit_matrix(tiny_matrix(60), ROUTING, progress=lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert steps[-1][1] == steps[-1][2]


@pytest.mark.parametrize("text", ["savings=0.4", "quality=0.95", "budget=0.0008", "strong_share=0.3"])
def test_what_is_expected_is_what_tuning_saw(fitted: Fit, text: str) -> None:
    target = Target.parse(text)
    found = expect(fitted, target, draws=200)
    point = fitted.option.frontier.at(target)
    assert found.cost.value == pytest.approx(point.cost)
    assert found.quality.value == pytest.approx(point.quality)
    assert found.saving.value == pytest.approx(1 - point.cost / fitted.fixed_mixture.best_fixed.cost)
    for estimate in (found.cost, found.quality, found.saving, found.quality_ratio):
        assert estimate.ci95[0] <= estimate.value <= estimate.ci95[1]
    assert found.mix_quality <= found.quality.value + 1e-12 <= found.oracle_quality + 1e-12
    assert expect(fitted, target, draws=200) == found, "reproducible by seed"


def test_a_router_out_of_reach_is_not_made(fitted: Fit) -> None:
    with pytest.raises(TargetError):
        router_of(fitted, Target.parse("budget=1e-9"), seed=0, provenance={})


def test_what_is_expected_comes_true_on_fresh_rows() -> None:
    """Tuning is cross-fitted, so its mean over tables is no flattery."""
    gaps = []
    for seed in range(6):
        fit = fit_matrix(tiny_matrix(120, seed=100 + seed), ROUTING)
        rows = HeldOutRows.of(tiny_matrix(400, seed=200 + seed), of_fit(fit), 0)
        done = replay_on(of_fit(fit), rows).options["routing/ridge"]
        low, high = fit.fixed_mixture.points[0], fit.fixed_mixture.best_fixed
        seen = auc(
            done.curve.cost.mean(axis=1), done.curve.quality.mean(axis=1), low.cost, high.cost, low.quality
        )
        gaps.append(seen - fit.options["routing/ridge"].auc)
    assert np.mean(gaps) > -0.04


def test_a_grid_is_all_fitting_needs(fitted: Fit) -> None:
    assert isinstance(tiny_matrix(1), OutcomeMatrix)
    assert fitted.selection.best_fixed == "large"
    assert fitted.notes == ()


def test_a_policy_that_has_nothing_to_go_by_says_so() -> None:
    fit = fit_matrix(tiny_matrix(80, seed=3), replace(QUICK, policies=("vote",)))
    assert fit.chosen == MIX
    assert fit.why == "there was nothing else to try"
    assert any("(vote)" in note for note in fit.notes)
