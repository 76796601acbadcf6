"""What answers add: their words are read where that tells clearly more than all other signs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from penstock.estimators.ex_ante.mean import CandidateMean
from penstock.evaluation.replay_on import TestRows, beliefs_on
from penstock.fitting.crossfit_stages import believe
from penstock.fitting.fit import fit_grid
from penstock.fitting.fit_post_hoc import fit_post_hoc
from penstock.fitting.result import router_of
from penstock.fitting.settings import FitSettings
from penstock.fitting.training_data import prepare_rows
from penstock.outcomes.matrix import Grid
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.targets import Target
from penstock.types import Answer
from tests.estimators.consensus.worlds import quiz_grid

SETTINGS = FitSettings(estimators=("mean",), policies=("routing", "index"))
ENDS = ("so it stays even", "so we carry over")
"""Of one length: no other sign tells them apart."""


def worded(n: int, *, seed: int, telling: float = 1.0) -> Grid:
    """Answers that do not state their result, in words of which a wrong one has its own with probability
    ``telling``, and a right one as often as not otherwise."""
    grid = quiz_grid(n, seed=seed)
    rng = np.random.default_rng(seed)
    told, chance = rng.random(grid.quality.shape) < telling, rng.random(grid.quality.shape) < 0.5
    end = np.where(told, grid.quality < 0.5, chance)

    def answer(i: int, j: int) -> Answer:
        text = f"We begin with what is given and go on from there, {ENDS[int(end[i, j])]}, and that is all."
        return replace(grid.answer_of(i, j), text=text, extracted=None)

    return replace(grid, answer_of=answer)


def test_words_that_tell_are_read() -> None:
    grid = worded(200, seed=0, telling=0.8)
    rows = prepare_rows(grid, "large", SETTINGS)
    ex_ante = believe(CandidateMean(), rows, SETTINGS).ex_ante
    (after,), model = fit_post_hoc(ex_ante, rows, 0)
    assert model is not None
    assert model.reader is not None
    assert ((after - grid.quality) ** 2).mean() < 0.7 * ((ex_ante - grid.quality) ** 2).mean()


def test_words_that_tell_nothing_are_not() -> None:
    grid = worded(200, seed=0, telling=0.0)
    rows = prepare_rows(grid, "large", SETTINGS)
    _, model = fit_post_hoc(believe(CandidateMean(), rows, SETTINGS).ex_ante, rows, 0)
    assert model is None or model.reader is None


def test_the_gateway_reads_as_the_replay_did(tmp_path: Path) -> None:
    fit = fit_grid(worded(200, seed=0), SETTINGS)
    assert fit.chosen == "index/mean", fit.why
    path = tmp_path / "router.penstock"
    save_bundle(router_of(fit, Target.parse("quality=0.95"), seed=0, provenance={}), path)
    router = load_bundle(path)
    test = worded(40, seed=9)
    rows = TestRows.of(test, fit, 0)
    _, source = beliefs_on(fit.option.belief, rows)
    for i in range(3):
        query, state = test.queries[i], source.begin()
        live = router.begin([query])
        for j in range(len(test.candidates)):
            state = source.observe(state, np.array([i]), np.array([j]))
            live = router.observe(live, 0, query, {k: test.answer_of(i, k) for k in range(j + 1)})
            np.testing.assert_allclose(live.quality[0], state.quality[i], atol=1e-9)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(source.begin().quality, state.quality, atol=1e-3)
