"""A router that compares answers: fitted, saved, read again, and driven live as it was replayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.errors import BundleError
from penstock.evaluation.replay_on import TestRows, beliefs_on
from penstock.fitting.fit import fit_grid
from penstock.fitting.result import Fit, router_of
from penstock.fitting.settings import FitSettings
from penstock.policies.lookahead import Lookahead
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.replay import replay
from penstock.router.targets import Target
from penstock.types import Answer, Status
from tests.estimators.consensus.worlds import quiz_grid

SETTINGS = FitSettings(estimators=("mean",), policies=("routing", "lookahead"), directions=8)


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fit_grid(quiz_grid(600), SETTINGS)


def test_it_is_chosen_where_agreement_tells_and_beats_every_control(fit: Fit) -> None:
    assert fit.chosen == "lookahead/mean"
    assert fit.option.area > fit.options["mix/mean"].area + 0.01


def test_it_decides_live_as_it_does_on_a_table(fit: Fit, tmp_path: Path) -> None:
    router = router_of(fit, Target.parse("quality=0.97"), seed=0, provenance={})
    save_bundle(router, tmp_path / "router.penstock")
    router = load_bundle(tmp_path / "router.penstock")
    test = quiz_grid(60, seed=5)
    rows = TestRows.of(test, fit, 0)
    policies = [p.policy for p in fit.option.frontier.points if isinstance(p.policy, Lookahead)]
    assert policies
    _, beliefs = beliefs_on(fit.option.belief, rows)
    looked = 0
    for policy in (policies[0], policies[len(policies) // 2], policies[-1]):
        replayed = replay(policy, beliefs, rows.grid.quality, rows.grid.cost)
        for i, query in enumerate(rows.grid.queries):
            state, answers = router.begin([query]), dict[int, Answer]()
            while (call := int((step := policy.step(state)).call[0])) >= 0:
                answers[call] = rows.grid.answer_of(i, call)
                state = router.observe(state, 0, query, answers)
            assert int(step.accept[0]) == replayed.accepted[i]
            assert set(answers) == set(np.flatnonzero(replayed.executed[i]).tolist())
            looked += len(answers) > 1
    assert looked > 20, "the case must be one in which answers are compared"


def test_a_refusal_is_worth_nothing_and_somebody_else_is_asked(fit: Fit) -> None:
    router = router_of(fit, Target.parse("quality=0.97"), seed=0, provenance={})
    query = quiz_grid(1).queries[0]
    policy = Lookahead(1.0)
    state = router.begin([query])
    first = int(policy.step(state).call[0])
    state = router.observe(state, 0, query, {first: Answer("x", "", status=Status.REFUSED)})
    assert state.quality[0, first] == 0.0
    assert int(policy.step(state).call[0]) not in {first, -1}


def test_a_bundle_that_names_an_unknown_form_is_refused(fit: Fit, tmp_path: Path) -> None:
    router = router_of(fit, Target.parse("quality=0.97"), seed=0, provenance={})
    assert router.belief.consensus is not None
    object.__setattr__(router.belief.consensus.comparison, "form", "tea_leaves")
    try:
        save_bundle(router, tmp_path / "bad.penstock")
    finally:
        object.__setattr__(router.belief.consensus.comparison, "form", "stated_answer")
    with pytest.raises(BundleError, match="tea_leaves"):
        load_bundle(tmp_path / "bad.penstock")
