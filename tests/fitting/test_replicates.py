"""Tables with several samples of every cell: all that are shown are learned from, tuned on and tested on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from penstock.estimators.agreement import estimator as agreement
from penstock.estimators.agreement.model import AgreementModel
from penstock.estimators.ex_ante.named import estimator
from penstock.evaluation.evaluate import evaluate_fit
from penstock.evaluation.replay_on import HeldOutRows, replay_on
from penstock.evaluation.subject import of_fit
from penstock.fitting.crossfit_stages import fit_ex_ante, fit_post_hoc, sweep_moved
from penstock.fitting.fit import fit_matrix
from penstock.fitting.settings import FitSettings
from penstock.fitting.sweep import Sweep, mean_of
from penstock.fitting.training_data import prepare_data
from penstock.outcomes.matrix import OutcomeMatrix, SampleDraw
from penstock.router.targets import Target
from penstock.types import Answer, FloatArray, IntArray, Usage
from tests.estimators.agreement.worlds import quiz_grid

SETTINGS = FitSettings(estimators=("mean",), policies=("routing", "index", "lookahead"))


def told(n: int, *, seed: int) -> OutcomeMatrix:
    """Right answers are longer, mostly, so that an answer's own signs say something too."""
    grid, noise = quiz_grid(n, seed=seed), np.random.default_rng(seed).integers(0, 40, (n, 4))

    def answer(i: int, j: int) -> Answer:
        length = 20 + 30 * int(grid.quality[i, j]) + int(noise[i, j])
        return replace(grid.answer_of(i, j), usage=Usage(10, length))

    return replace(grid, answer_of=answer)


def sampled(n: int, *, seed: int, replicates: int = 3) -> OutcomeMatrix:
    """Every cell with as many samples, drawn by the same law; its quality is their mean."""
    drawn = [told(n, seed=seed + s) for s in range(replicates)]
    mean: FloatArray = np.mean([g.quality for g in drawn], axis=0)
    others = tuple(SampleDraw(g.answer_of, g.quality) for g in drawn[1:])
    return replace(drawn[0], quality=mean, shown=drawn[0].quality, others=others)


def test_every_draw_is_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = sampled(60, seed=0)
    data = prepare_data(grid, "large", SETTINGS)
    asked: list[tuple[int, FloatArray]] = []
    fit = agreement.fit_agreement

    def watched(
        ex_ante: FloatArray, code: IntArray, quality: FloatArray, *rest: Any, **named: Any
    ) -> AgreementModel:
        asked.append((len(code), quality))
        return fit(ex_ante, code, quality, *rest, **named)

    monkeypatch.setattr(agreement, "fit_agreement", watched)
    own, compared = fit_post_hoc(fit_ex_ante(estimator("mean"), data, SETTINGS), data, SETTINGS)
    assert (own.name, compared.name) == ("logistic", "agreement")
    estimates = own.crossfit.estimates
    assert estimates is not None
    assert len(data.drawn) == len(data.answers) == len(estimates) == 3
    assert len(own.crossfit.beliefs) == len(compared.crossfit.beliefs) == 3
    assert not np.array_equal(estimates[0], estimates[1])
    count, quality = max(asked, key=lambda seen: seen[0])
    assert count == 3 * 60
    expected = np.concatenate([g.drawn_quality for g in grid.replicates])
    np.testing.assert_array_equal(quality, expected)


@pytest.mark.parametrize(("post_hoc", "name"), [(0, "index/mean"), (1, "lookahead/mean")])
def test_what_is_tuned_is_the_mean_over_draws(post_hoc: int, name: str) -> None:
    data = prepare_data(sampled(60, seed=0), "large", SETTINGS)
    moved = fit_post_hoc(fit_ex_ante(estimator("mean"), data, SETTINGS), data, SETTINGS)[post_hoc]
    (found,) = sweep_moved(moved, data, SETTINGS)
    whole = found.sweep
    assert found.name == name
    assert whole.cost.shape[1] == 60

    def alone(draw: int) -> Sweep:
        crossfit = replace(moved.crossfit, beliefs=moved.crossfit.beliefs[draw : draw + 1])
        one = replace(data, answers=data.answers[draw : draw + 1], drawn=data.drawn[draw : draw + 1])
        return sweep_moved(replace(moved, crossfit=crossfit), one, SETTINGS)[0].sweep

    parts = [alone(draw) for draw in range(3)]
    # policies are made from the first draw's estimates; their prices do not depend on answers
    assert all(p.policies == whole.policies for p in parts)
    np.testing.assert_allclose(mean_of(parts).quality, whole.quality)
    np.testing.assert_allclose(mean_of(parts).cost, whole.cost)


def test_what_is_measured_is_the_mean_over_draws() -> None:
    fit = fit_matrix(told(200, seed=3), SETTINGS)
    test = sampled(50, seed=9)
    subject = of_fit(fit)
    everything, *alone = (replay_on(subject, HeldOutRows.of(g, subject, 0)) for g in (test, *test.replicates))
    for name in ("lookahead/mean", "index/mean"):
        for kind in ("cost", "quality"):
            each = [getattr(a.options[name].curve, kind) for a in alone]
            assert not np.array_equal(each[0], each[1])
            np.testing.assert_allclose(
                getattr(everything.options[name].curve, kind), np.mean(each, axis=0), atol=1e-12
            )
    routed = [a.options["routing/mean"].curve.quality for a in (everything, *alone)]
    for other in routed[1:]:
        np.testing.assert_array_equal(routed[0], other)


def test_the_point_that_was_asked_for_is_measured_so_too() -> None:
    fit = fit_matrix(told(200, seed=3), SETTINGS)
    assert fit.chosen.partition("/")[0] in {"lookahead", "index"}
    test, asked = sampled(50, seed=9), [Target.parse("savings=0.5")]
    achieved = [
        evaluate_fit(fit, g, dataset="d", draws=20, asked=asked)["asked_achieved"][0]["achieved"]["quality"]
        for g in (test, *test.replicates)
    ]
    assert achieved[0] == pytest.approx(np.mean(achieved[1:]))
    assert len(set(achieved)) > 1
