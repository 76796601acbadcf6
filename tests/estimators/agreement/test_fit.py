"""The law of answers is found again, is calibrated, and its gradient is one."""

from __future__ import annotations

import numpy as np
from scipy.optimize import check_grad

from penstock.codec import decode, encode
from penstock.core.agreement import Evidence, posterior
from penstock.estimators.agreement.fit import _START, _Data, fit_agreement
from penstock.estimators.agreement.model import AgreementModel, recorded_belief
from penstock.estimators.comparison.comparison import ByForm
from penstock.estimators.ex_ante.linear import logit
from penstock.estimators.post_hoc.base import FittedPostHoc
from penstock.estimators.recorded import RecordedAnswers
from penstock.types import FloatArray
from tests.estimators.agreement.worlds import Quiz, quiz, quiz_grid
from tests.estimators.before import before_of

STATED = ByForm("stated_answer")


def fitted(world: Quiz) -> AgreementModel:
    observed = np.ones(world.right.shape, dtype=bool)
    return fit_agreement(world.ex_ante, world.code, world.right, observed, comparison=STATED, seed=0)


def believed(model: AgreementModel, world: Quiz, ran: list[int]) -> FloatArray:
    executed = np.zeros(world.right.shape, dtype=bool)
    executed[:, ran] = True
    n = len(world.right)
    evidence = Evidence(
        model.slope * logit(world.ex_ante), world.code, np.zeros(world.right.shape), np.zeros(n, dtype=int)
    )
    return posterior(model.params, evidence, executed)


def test_the_gradient_is_the_gradient() -> None:
    world = quiz(40, seed=1, traps=0.1)
    observed = np.random.default_rng(0).random(world.right.shape) < 0.8
    quality = np.where(observed, world.right * 0.9, np.nan)
    data = _Data.of(logit(world.ex_ante), world.code, quality, observed)
    rng = np.random.default_rng(2)
    for _ in range(3):
        v = np.concatenate([rng.normal(0, 0.3, 3 * 4 + 2), _START + rng.normal(0, 0.3, 4)])
        error = check_grad(lambda x: data.objective(x)[0], lambda x: data.objective(x)[1], v)
        assert error < 1e-3 * np.linalg.norm(data.objective(v)[1])


def test_beliefs_are_calibrated_on_queries_that_were_not_fitted_on() -> None:
    """Whatever has run, those believed right with probability p are right p of the time."""
    model, test = fitted(quiz(1500, seed=0, traps=0.05)), quiz(6000, seed=9, traps=0.05)
    for ran in ([], [0], [0, 1], [0, 1, 2], [1, 3]):
        belief = believed(model, test, ran)
        for j in range(4):
            for low in (0.0, 0.25, 0.5, 0.75):
                rows = (belief[:, j] >= low) & (belief[:, j] < low + 0.25)
                if rows.sum() >= 300:
                    assert abs(belief[rows, j].mean() - test.right[rows, j].mean()) < 0.06


def test_agreement_is_worth_more_where_wrong_answers_seldom_coincide() -> None:
    ordinary, trapped = (quiz(1500, seed=3, traps=traps) for traps in (0.0, 0.3))
    same = [w.code[:, 0] == w.code[:, 1] for w in (ordinary, trapped)]
    sure = [
        believed(fitted(w), w, [0, 1])[s, 0].mean() for w, s in zip((ordinary, trapped), same, strict=True)
    ]
    assert sure[0] > sure[1] + 0.1


def test_missing_cells_say_nothing() -> None:
    """What stands in cells that were not observed changes nothing."""
    world = quiz(300, seed=4)
    observed = np.random.default_rng(1).random(world.right.shape) < 0.7
    models = []
    for noise in (0, 1):
        junk = np.random.default_rng(noise).random(world.right.shape)
        code = np.where(observed, world.code, np.random.default_rng(noise).integers(0, 4, world.code.shape))
        quality = np.where(observed, world.right, junk)
        models.append(fit_agreement(world.ex_ante, code, quality, observed, comparison=STATED, seed=0))
    np.testing.assert_array_equal(models[0].params.level, models[1].params.level)
    np.testing.assert_array_equal(models[0].params.right, models[1].params.right)


def test_one_candidate_and_constant_quality_have_a_law_too() -> None:
    for right in (0.0, 1.0, 0.5):
        quality = np.full((50, 1), right)
        model = fit_agreement(
            np.full((50, 1), 0.5),
            np.zeros((50, 1), dtype=int),
            quality,
            np.ones((50, 1), dtype=bool),
            comparison=STATED,
            seed=0,
        )
        belief = model.believe(before_of(np.full((5, 1), 0.5)))
        assert np.isfinite(belief.lookahead.posterior(np.zeros((5, 1), dtype=bool))).all()


def test_it_comes_back_from_its_state_and_inputs_stay_as_they_were() -> None:
    world = quiz(200, seed=5)
    before = [a.copy() for a in (world.right, world.code, world.ex_ante)]
    model = fitted(world)
    for was, now in zip(before, (world.right, world.code, world.ex_ante), strict=True):
        np.testing.assert_array_equal(was, now)
    again = decode(FittedPostHoc, *encode(model))
    np.testing.assert_array_equal(believed(model, world, [0, 2]), believed(again, world, [0, 2]))
    assert again.comparison == model.comparison


def test_each_query_is_judged_by_its_own_fold() -> None:
    world = quiz(60, seed=6)
    one, two = fitted(quiz(400, seed=7)), fitted(quiz(400, seed=8, load=0.1))
    which = np.arange(60) % 2
    executed = np.ones(world.right.shape, dtype=bool)
    before, answers = before_of(world.ex_ante), RecordedAnswers.of(quiz_grid(60, seed=6))
    belief = recorded_belief([one, two], which, before, world.ex_ante, answers)
    mixed = belief.lookahead.posterior(executed)
    for number, model in enumerate((one, two)):
        rows = which == number
        expected = believed(model, world, [0, 1, 2, 3])[rows]
        np.testing.assert_allclose(mixed[rows], expected, atol=1e-12)
