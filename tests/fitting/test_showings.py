"""Tables with several samples of every cell: all that are shown are learned from, tuned on and tested on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from penstock.estimators.agreement.model import Consensus
from penstock.estimators.registry import estimator
from penstock.evaluation.evaluate import evaluate_fit
from penstock.evaluation.replay_on import TestRows, realise
from penstock.fitting import crossfit_stages as drafts
from penstock.fitting.fit import fit_grid
from penstock.fitting.settings import FitSettings
from penstock.fitting.sweep import mean_of
from penstock.fitting.training_data import prepare_rows
from penstock.outcomes.matrix import Grid, Shown
from penstock.router.targets import Target
from penstock.types import Answer, FloatArray, IntArray, Usage
from tests.estimators.consensus.worlds import quiz_grid

SETTINGS = FitSettings(estimators=("mean",), policies=("routing", "index", "lookahead"))


def told(n: int, *, seed: int) -> Grid:
    """Right answers are longer, mostly, so that an answer's own signs say something too."""
    grid, noise = quiz_grid(n, seed=seed), np.random.default_rng(seed).integers(0, 40, (n, 4))

    def answer(i: int, j: int) -> Answer:
        length = 20 + 30 * int(grid.quality[i, j]) + int(noise[i, j])
        return replace(grid.answer_of(i, j), usage=Usage(10, length))

    return replace(grid, answer_of=answer)


def sampled(n: int, *, seed: int, showings: int = 3) -> Grid:
    """Every cell with as many samples, drawn by the same law; its quality is their mean."""
    drawn = [told(n, seed=seed + s) for s in range(showings)]
    mean: FloatArray = np.mean([g.quality for g in drawn], axis=0)
    others = tuple(Shown(g.answer_of, g.quality) for g in drawn[1:])
    return replace(drawn[0], quality=mean, shown=drawn[0].quality, others=others)


def test_every_showing_is_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = sampled(60, seed=0)
    rows = prepare_rows(grid, "large", SETTINGS)
    known = drafts.look_at_answers(drafts.believe(estimator("mean"), rows, SETTINGS), rows, SETTINGS.seed)
    assert len(rows.showings) == len(known.post_hoc) == len(known.beliefs) == 3
    assert not np.array_equal(known.post_hoc[0], known.post_hoc[1])
    asked: list[tuple[int, FloatArray]] = []
    fit = drafts.fit_consensus

    def watched(
        ex_ante: FloatArray, code: IntArray, quality: FloatArray, *rest: Any, **named: Any
    ) -> Consensus:
        asked.append((len(code), quality))
        return fit(ex_ante, code, quality, *rest, **named)

    monkeypatch.setattr(drafts, "fit_consensus", watched)
    drafts.draft_lookahead(known, rows, SETTINGS)
    count, quality = max(asked, key=lambda seen: seen[0])
    assert count == 3 * 60
    expected = np.concatenate([g.shown_quality for g in grid.showings])
    np.testing.assert_array_equal(quality, expected)


def test_what_is_tuned_is_the_mean_over_showings() -> None:
    rows = prepare_rows(sampled(60, seed=0), "large", SETTINGS)
    known = drafts.look_at_answers(drafts.believe(estimator("mean"), rows, SETTINGS), rows, SETTINGS.seed)
    whole = drafts.draft_sequential(known, rows, SETTINGS)[0].swept
    assert whole.cost.shape[1] == 60

    def alone(s: int) -> drafts.Looked:
        return replace(known, post_hoc=known.post_hoc[s : s + 1], beliefs=known.beliefs[s : s + 1])

    parts = [
        drafts.draft_sequential(alone(s), replace(rows.showings[s], others=()), SETTINGS)[0].swept
        for s in range(3)
    ]
    # policies are made from the first showing's estimates; index prices do not depend on answers
    assert all(p.policies == whole.policies for p in parts)
    np.testing.assert_allclose(mean_of(parts).quality, whole.quality)
    np.testing.assert_allclose(mean_of(parts).cost, whole.cost)


def test_what_is_measured_is_the_mean_over_showings() -> None:
    fit = fit_grid(told(200, seed=3), SETTINGS)
    test = sampled(50, seed=9)
    everything = realise(fit, TestRows.of(test, fit, 0))
    alone = [realise(fit, TestRows.of(g, fit, 0)) for g in test.showings]
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
    fit = fit_grid(told(200, seed=3), SETTINGS)
    assert fit.chosen.partition("/")[0] in {"lookahead", "index"}
    test, asked = sampled(50, seed=9), [Target.parse("savings=0.5")]
    achieved = [
        evaluate_fit(fit, g, dataset="d", draws=20, asked=asked)["asked_achieved"][0]["achieved"]["quality"]
        for g in (test, *test.showings)
    ]
    assert achieved[0] == pytest.approx(np.mean(achieved[1:]))
    assert len(set(achieved)) > 1
