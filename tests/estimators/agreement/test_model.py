"""What the agreement model believes of live answers is what it believes of recorded ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.belief import Answered, Failed, observe
from penstock.codec import take
from penstock.estimators.agreement.estimator import AgreementEstimator
from penstock.estimators.agreement.model import EXTRACTED, AgreementModel
from penstock.estimators.comparison.comparison import ByForm, ByMeaning, Comparison
from penstock.estimators.post_hoc.base import PostHocData
from penstock.estimators.recorded import RecordedAnswers
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import Answer, Status
from tests.estimators.agreement.worlds import Gist, open_grid, quiz_grid
from tests.estimators.before import before_of

N, K = 300, 4


def some_decline(matrix: OutcomeMatrix) -> OutcomeMatrix:
    """Every seventh answer is a refusal; right answers are surer of themselves."""

    def answer_of(i: int, j: int) -> Answer:
        answer = matrix.answer_of(i, j)
        if (i + 2 * j) % 7 == 0:
            return replace(answer, text="", status=Status.REFUSED)
        return replace(answer, confidence=0.5 + 0.3 * float(matrix.quality[i, j]) + 0.01 * ((i + j) % 10))

    return replace(matrix, answer_of=answer_of)


@pytest.fixture(scope="module", params=["form", "meaning"])
def case(request: pytest.FixtureRequest) -> tuple[AgreementModel, OutcomeMatrix]:
    """Fitted with own features, and the matrix it was fitted on."""
    comparison: Comparison = ByForm("stated_answer") if request.param == "form" else ByMeaning(Gist(), 0.9)
    matrix = some_decline(quiz_grid(N) if request.param == "form" else open_grid(N))
    answers = RecordedAnswers.of(matrix)
    quality = np.where(answers.answered, matrix.quality, 0.0)
    before, every = before_of(np.tile(quality.mean(axis=0), (N, 1))), np.ones(N, dtype=bool)
    data = PostHocData(
        before, (answers,), (quality,), np.ones((N, K)), np.arange(N) % 3, every, np.arange(N), comparison
    )
    found = AgreementEstimator().crossfit(data, {}, seed=0, threads=1)
    assert found is not None
    assert isinstance(found.fitted, AgreementModel)
    assert found.fitted.own is not None
    return found.fitted, matrix


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2)])
def test_live_answers_are_believed_as_recorded_ones(
    case: tuple[AgreementModel, OutcomeMatrix], order: tuple[int, ...]
) -> None:
    model, matrix = case
    rows = np.arange(30)
    some = matrix.rows(rows)
    before = before_of(np.tile(matrix.quality.mean(axis=0), (30, 1)))
    recorded = model.believe(before, RecordedAnswers.of(some))
    state = recorded.begin()
    live = [model.believe(take(before, np.array([i]))) for i in range(30)]
    states = [belief.begin() for belief in live]
    moved = 0.0
    for column in order:
        known = state.quality.copy()
        state = observe(recorded, state, Answered(rows, np.full(30, column)))
        others = np.delete(np.arange(K), column)
        moved = max(moved, float(np.abs(state.quality - known)[:, others].max()))
        for i in range(30):
            seen = Answered.live(column, some.answer_of(i, column))
            states[i] = observe(live[i], states[i], seen)
            np.testing.assert_allclose(states[i].quality[0], state.quality[i], atol=1e-9)
            np.testing.assert_array_equal(states[i].refused[0], state.refused[i])
            assert states[i].quality[0][states[i].refused[0]].sum() == 0.0
    assert moved > 0.05, "an answer moves the others' estimates"


def test_a_failure_says_nothing_and_is_not_asked_again(case: tuple[AgreementModel, OutcomeMatrix]) -> None:
    model, _ = case
    belief = model.believe(before_of(np.full((1, K), 0.5)))
    begun = belief.begin()
    state = observe(belief, take(begun, np.array([0])), Failed.live(2))
    np.testing.assert_array_equal(state.quality, begun.quality)
    assert state.eligible.tolist() == [[True, True, False, True]]
    assert not state.executed.any()


def test_what_reads_the_table_s_own_answers_says_so(case: tuple[AgreementModel, OutcomeMatrix]) -> None:
    model, _ = case
    assert model.notes == ()
    assert model.blocking is isinstance(model.comparison, ByMeaning)
    assert replace(model, comparison=ByForm("final_answer")).notes == (EXTRACTED,)
