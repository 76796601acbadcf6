"""A router that compares answers: fitted, saved, read again, and driven live as it was replayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.belief import Answered, observe
from penstock.errors import BundleError
from penstock.estimators.agreement.model import AgreementModel
from penstock.estimators.comparison.comparison import ByForm
from penstock.evaluation.replay_on import HeldOutRows, beliefs_on
from penstock.evaluation.subject import of_fit
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import Fit, router_of
from penstock.fitting.settings import FitSettings
from penstock.policies.lookahead import ValueOfInformation
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.replay import replay
from penstock.router.targets import Target
from penstock.types import Answer, Status
from tests.estimators.agreement.worlds import quiz_grid

SETTINGS = FitSettings(estimators=("mean",), policies=("routing", "lookahead"), directions=8)


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fit_matrix(quiz_grid(600), SETTINGS)


def test_it_is_chosen_where_agreement_tells_and_beats_every_control(fit: Fit) -> None:
    assert fit.chosen == "lookahead/mean"
    assert fit.option.auc > fit.options["mix/mean"].auc + 0.01


def test_it_decides_live_as_it_does_on_a_table(fit: Fit, tmp_path: Path) -> None:
    router = router_of(fit, Target.parse("quality=0.97"), seed=0, provenance={})
    save_bundle(router, tmp_path / "router.penstock")
    router = load_bundle(tmp_path / "router.penstock")
    test = quiz_grid(60, seed=5)
    rows = HeldOutRows.of(test, of_fit(fit), 0)
    policies = [p.policy for p in fit.option.frontier.points if isinstance(p.policy, ValueOfInformation)]
    assert policies
    ((recorded, matrix),) = beliefs_on(fit.option.model, rows)
    looked = 0
    for policy in (policies[0], policies[len(policies) // 2], policies[-1]):
        replayed = replay(policy, recorded, matrix.quality, matrix.cost)
        for i, query in enumerate(matrix.queries):
            belief, called = router.believe([query]), set[int]()
            state = belief.begin()
            while (call := int((step := policy.step(state)).call[0])) >= 0:
                called.add(call)
                state = observe(belief, state, Answered.live(call, matrix.answer_of(i, call)))
            assert int(step.accept[0]) == replayed.accepted[i]
            assert called == set(np.flatnonzero(replayed.executed[i]).tolist())
            looked += len(called) > 1
    assert looked > 20, "the case must be one in which answers are compared"


def test_a_refusal_is_worth_nothing_and_somebody_else_is_asked(fit: Fit) -> None:
    router = router_of(fit, Target.parse("quality=0.97"), seed=0, provenance={})
    query = quiz_grid(1).queries[0]
    policy = ValueOfInformation(1.0)
    belief = router.believe([query])
    state = belief.begin()
    first = int(policy.step(state).call[0])
    state = observe(belief, state, Answered.live(first, Answer("x", "", status=Status.REFUSED)))
    assert state.quality[0, first] == 0.0
    assert int(policy.step(state).call[0]) not in {first, -1}


def test_a_bundle_that_names_an_unknown_form_is_refused(fit: Fit, tmp_path: Path) -> None:
    router = router_of(fit, Target.parse("quality=0.97"), seed=0, provenance={})
    assert isinstance(router.model.post_hoc, AgreementModel)
    comparison = router.model.post_hoc.comparison
    assert comparison == ByForm("stated_answer")
    object.__setattr__(comparison, "normal_form", "tea_leaves")
    try:
        save_bundle(router, tmp_path / "bad.penstock")
    finally:
        object.__setattr__(comparison, "normal_form", "stated_answer")
    with pytest.raises(BundleError, match="tea_leaves"):
        load_bundle(tmp_path / "bad.penstock")
