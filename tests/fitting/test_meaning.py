"""Answers in open text that are compared by meaning: fitted, saved, opened again and served alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.belief import Answered, observe
from penstock.errors import BundleError, InputError
from penstock.estimators.embeddings import Embedder
from penstock.evaluation.replay_on import HeldOutRows, beliefs_on
from penstock.evaluation.subject import of_fit
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import Fit, router_of
from penstock.fitting.settings import FitSettings
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.targets import Target
from tests.estimators.agreement.worlds import Gist, open_grid

TEXT = FitSettings(estimators=("mean",), policies=("routing", "lookahead"), directions=4)
MEANING = replace(TEXT, compare="meaning")


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fit_matrix(open_grid(400, seed=1), MEANING, embedder=Gist())


def test_agreement_in_meaning_is_worth_looking_for(fit: Fit) -> None:
    assert fit.chosen == "lookahead/mean"
    by_text = fit_matrix(open_grid(400, seed=1), TEXT, embedder=Gist())
    assert by_text.chosen == "mix/mean"


def test_a_model_has_to_be_named() -> None:
    with pytest.raises(InputError, match="none is named"):
        fit_matrix(open_grid(60), MEANING)
    with pytest.raises(InputError, match="no comparison is called 'sound'; there are meaning, text"):
        FitSettings(compare="sound")


def test_the_bundle_names_the_model_and_opens_it_once(fit: Fit, tmp_path: Path) -> None:
    path = tmp_path / "router.penstock"
    save_bundle(router_of(fit, Target.parse("savings=0.3"), seed=0, provenance={}), path)
    opened: list[Mapping[str, Any]] = []

    def open_embedder(spec: Mapping[str, Any]) -> Embedder:
        opened.append(spec)
        return Gist()

    router = load_bundle(path, open_embedder=open_embedder)
    assert opened == [Gist().spec()], "once, for prompts and answers"
    assert router.blocking
    with pytest.raises(BundleError, match="turns texts into vectors"):
        load_bundle(path)


def test_a_live_request_is_believed_what_a_table_was(fit: Fit) -> None:
    test = open_grid(30, seed=2)
    router = router_of(fit, Target.parse("savings=0.3"), seed=0, provenance={})
    rows = HeldOutRows.of(test, of_fit(fit), 0)
    ((recorded, _),) = beliefs_on(fit.option.model, rows)
    names = [test.candidates.index(name) for name in fit.selection.names]
    for i in range(10):
        belief = router.believe([test.queries[i]])
        live, state = belief.begin(), recorded.begin()
        np.testing.assert_allclose(live.quality[0], state.quality[i])
        for column in (0, 2, 1):
            live = observe(belief, live, Answered.live(column, test.answer_of(i, names[column])))
            state = observe(recorded, state, Answered(np.array([i]), np.array([column])))
            np.testing.assert_allclose(live.quality[0], state.quality[i])
