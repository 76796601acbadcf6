"""What answers add: their words are read where that tells clearly more than all other signs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from penstock.belief import Answered, observe
from penstock.estimators.ex_ante.mean import CandidateMean
from penstock.estimators.post_hoc.fit_logistic import crossfit_post_hoc
from penstock.evaluation.replay_on import HeldOutRows, beliefs_on
from penstock.evaluation.subject import of_fit
from penstock.fitting.crossfit_stages import fit_ex_ante
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import router_of
from penstock.fitting.settings import FitSettings
from penstock.fitting.training_data import prepare_data
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.targets import Target
from penstock.types import Answer
from tests.estimators.agreement.worlds import quiz_grid

SETTINGS = FitSettings(estimators=("mean",), policies=("routing", "index"))
ENDS = ("so it stays even", "so we carry over")
"""Of one length: no other sign tells them apart."""


def worded(n: int, *, seed: int, telling: float = 1.0) -> OutcomeMatrix:
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
    data = prepare_data(grid, "large", SETTINGS)
    ex_ante = fit_ex_ante(CandidateMean(), data, SETTINGS).ex_ante
    (after,), model = crossfit_post_hoc(data.post_hoc(ex_ante), 0)
    assert model is not None
    assert model.verifier is not None
    assert ((after - grid.quality) ** 2).mean() < 0.7 * ((ex_ante - grid.quality) ** 2).mean()


def test_words_that_tell_nothing_are_not() -> None:
    grid = worded(200, seed=0, telling=0.0)
    data = prepare_data(grid, "large", SETTINGS)
    ex_ante = fit_ex_ante(CandidateMean(), data, SETTINGS).ex_ante
    _, model = crossfit_post_hoc(data.post_hoc(ex_ante), 0)
    assert model is None or model.verifier is None


def test_the_gateway_reads_as_the_replay_did(tmp_path: Path) -> None:
    fit = fit_matrix(worded(200, seed=0), SETTINGS)
    assert fit.chosen == "index/mean", fit.why
    path = tmp_path / "router.penstock"
    save_bundle(router_of(fit, Target.parse("quality=0.95"), seed=0, provenance={}), path)
    router = load_bundle(path)
    test = worded(40, seed=9)
    ((recorded, _),) = beliefs_on(fit.option.model, HeldOutRows.of(test, of_fit(fit), 0))
    for i in range(3):
        belief, state = router.believe([test.queries[i]]), recorded.begin()
        live = belief.begin()
        for j in range(len(test.candidates)):
            state = observe(recorded, state, Answered(np.array([i]), np.array([j])))
            live = observe(belief, live, Answered.live(j, test.answer_of(i, j)))
            np.testing.assert_allclose(live.quality[0], state.quality[i], atol=1e-9)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(recorded.begin().quality, state.quality, atol=1e-3)
