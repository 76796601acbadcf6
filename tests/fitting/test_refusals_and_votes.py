"""Refusals and votes in a fit, and what a fitted router makes of them live."""

from __future__ import annotations

from penstock.belief import Answered, observe
from penstock.evaluation.evaluate import evaluate_fit
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import router_of
from penstock.fitting.settings import FitSettings
from penstock.router.targets import Target
from penstock.types import Answer, Status
from tests.policies.modes import NAMES, modes


def test_a_fit_finds_both_modes_worth_it_and_a_refusal_is_worth_nothing_live() -> None:
    fit = fit_matrix(modes(1), FitSettings(("ridge",), ("refusal", "vote"), directions=8))
    assert {"refusal/ridge", "vote/ridge"} <= set(fit.options)
    assert all(fit.options[name].kept > 0 for name in ("refusal/ridge", "vote/ridge"))
    found = evaluate_fit(fit, modes(2), dataset="made", draws=50)
    assert found["chosen"] in {"refusal/ridge", "vote/ridge"}
    router = router_of(fit, Target.parse("savings=0.2"), seed=0, provenance={})
    belief = router.believe(["question number 7"])
    state = belief.begin()
    column = fit.selection.names.index(NAMES[0])
    assert state.quality[0, column] > 0.0
    state = observe(belief, state, Answered.live(column, Answer(NAMES[0], status=Status.REFUSED)))
    assert state.quality[0, column] == 0.0
    assert state.refused[0].tolist() == [name == NAMES[0] for name in fit.selection.names]
