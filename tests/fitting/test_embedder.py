"""Fitting with an embedder: what it says is used, saved by name and asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.errors import BundleError, InputError
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import router_of
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.targets import Target
from penstock.types import Answer, FloatArray, Query

SETTINGS = FitSettings(estimators=("ridge",), policies=("routing",), directions=4)
SAVINGS = Target.parse("savings=0.3")


class Told:
    """Knows of every prompt whether it is hard, which its words do not say."""

    def __init__(self, hard: Mapping[str, bool]) -> None:
        self.hard, self.asked = hard, 0

    def embed(self, texts: Sequence[str]) -> FloatArray:
        self.asked += 1
        return np.array([[self.hard[t], 1.0 - self.hard[t], 0.5] for t in texts], dtype=float)

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "told", "model": "oracle"}


def grid_and_embedder(n: int = 160) -> tuple[OutcomeMatrix, Told]:
    """``large`` is right always, ``small`` on what is easy; prompts are numbers."""
    rng = np.random.default_rng(0)
    hard = rng.random(n) < 0.5
    prompts = [f"question {number}" for number in rng.permutation(10 * n)[:n]]
    grid = OutcomeMatrix(
        queries=tuple(Query.from_prompt(f"q{i}", prompt) for i, prompt in enumerate(prompts)),
        candidates=("small", "large"),
        quality=np.stack([1.0 - hard, np.ones(n)], axis=1),
        cost=np.tile([1e-5, 1e-4], (n, 1)),
        propensity=np.ones((n, 2)),
        answer_of=lambda i, j: Answer(("small", "large")[j]),
    )
    return grid, Told(dict(zip(prompts, hard.tolist(), strict=True)))


def test_what_only_the_embedding_knows_is_found() -> None:
    grid, told = grid_and_embedder()
    without = fit_matrix(grid, SETTINGS)
    fit = fit_matrix(grid, SETTINGS, embedder=told)
    assert without.chosen == "mix/mean"
    assert fit.chosen == "routing/ridge"
    assert fit.option.frontier.at(SAVINGS).quality > without.option.frontier.at(SAVINGS).quality + 0.1


def test_a_router_is_opened_again_with_its_embedder_only(tmp_path: Path) -> None:
    grid, told = grid_and_embedder()
    fit = fit_matrix(grid, SETTINGS, embedder=told)
    path = tmp_path / "r.penstock"
    router = router_of(fit, SAVINGS, seed=0, provenance={})
    save_bundle(router, path)
    with pytest.raises(BundleError, match=r"r\.penstock.*turns texts into vectors.* none can be opened here"):
        load_bundle(path)
    specs: list[Mapping[str, Any]] = []

    def opened(spec: Mapping[str, Any]) -> Told:
        specs.append(spec)
        return told

    again = load_bundle(path, open_embedder=opened)
    assert specs == [told.spec()]
    assert again.blocking
    state, before = again.begin(grid.queries), told.asked
    np.testing.assert_array_equal(state.quality, router.begin(grid.queries).quality)
    assert told.asked == before + 1


def test_what_a_refusal_advises_is_passed_on(tmp_path: Path) -> None:
    grid, told = grid_and_embedder(60)
    path = tmp_path / "r.penstock"
    save_bundle(router_of(fit_matrix(grid, SETTINGS, embedder=told), SAVINGS, seed=0, provenance={}), path)

    def refused(spec: Mapping[str, Any]) -> Told:
        raise BundleError("no leave", hint="Ask for it")

    with pytest.raises(BundleError, match=r"r\.penstock: no leave\. Ask for it"):
        load_bundle(path, open_embedder=refused)


def test_a_text_model_and_an_embedder_do_not_go_together() -> None:
    class Model:
        def scores(self, prompts: Sequence[str]) -> FloatArray:
            raise AssertionError("not asked")

        def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
            raise AssertionError("not asked")

    grid, told = grid_and_embedder(60)
    with pytest.raises(InputError, match="not with both"):
        fit_matrix(grid, SETTINGS, text_model=Model(), embedder=told)
    assert told.asked == 0


def test_a_router_without_an_embedder_waits_for_nothing(tmp_path: Path) -> None:
    grid, _ = grid_and_embedder(60)
    assert not router_of(fit_matrix(grid, SETTINGS), SAVINGS, seed=0, provenance={}).blocking
