"""Answers in open text that are compared by meaning: fitted, saved, opened again and served alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.errors import BundleError, InputError
from penstock.estimators.embeddings import Embedder
from penstock.evaluation.replay_on import TestRows, beliefs_on
from penstock.fitting.fit import fit_grid
from penstock.fitting.result import Fit, router_of
from penstock.fitting.settings import FitSettings
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.targets import Target
from tests.estimators.consensus.worlds import Gist, open_grid

TEXT = FitSettings(estimators=("mean",), policies=("routing", "lookahead"), directions=4)
MEANING = replace(TEXT, compare="meaning")


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fit_grid(open_grid(400, seed=1), MEANING, embedder=Gist())


def test_agreement_in_meaning_is_worth_looking_for(fit: Fit) -> None:
    assert fit.chosen == "lookahead/mean"
    by_text = fit_grid(open_grid(400, seed=1), TEXT, embedder=Gist())
    assert by_text.chosen == "mix/mean"


def test_a_model_has_to_be_named() -> None:
    with pytest.raises(InputError, match="none is named"):
        fit_grid(open_grid(60), MEANING)
    with pytest.raises(InputError, match="must be one of text, meaning, not 'sound'"):
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
    with pytest.raises(BundleError, match="no embedder can be opened"):
        load_bundle(path)


def test_a_live_request_is_believed_what_a_table_was(fit: Fit) -> None:
    test = open_grid(30, seed=2)
    router = router_of(fit, Target.parse("savings=0.3"), seed=0, provenance={})
    rows = TestRows.of(test, fit, 0)
    _, source = beliefs_on(fit.option.belief, rows)
    names = [test.candidates.index(name) for name in fit.selection.names]
    for i in range(10):
        live = router.begin([test.queries[i]])
        recorded = source.begin().rows(np.array([i]))
        np.testing.assert_allclose(live.quality, recorded.quality)
        answers = {}
        state = source.begin()
        for column in (0, 2, 1):
            answers[column] = test.answer_of(i, names[column])
            live = router.observe(live, 0, test.queries[i], answers)
            state = source.observe(state, np.array([i]), np.array([column]))
            np.testing.assert_allclose(live.quality[0], state.quality[i])
