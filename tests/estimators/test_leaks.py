"""Nothing leaks: names of tasks are not used unasked, and labels never reach their own estimates."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from penstock.estimators.crossfit import crossfit
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.features import Inputs, fit_encoder
from penstock.registry import names
from penstock.testing.estimators import inputs_of, outcomes_of, weights_of
from penstock.testing.tables import tiny
from penstock.types import FloatArray

N, K, FOLDS = 240, 3, 4
LIMIT = 4.0
"""Standard errors of a correlation of nothing that are still nothing: 9 estimators x 2 seeds are tried."""


def permuted(seed: int) -> tuple[Inputs, FloatArray]:
    """Features and outcomes whose tie is cut: labels are permuted within candidates."""
    inputs = inputs_of(N, seed=seed)
    quality = outcomes_of(inputs, seed=seed, k=K)
    rng = np.random.default_rng(seed)
    return inputs, np.stack([rng.permutation(column) for column in quality.T], axis=1)


def knowledge(predicted: FloatArray, quality: FloatArray, fold: FloatArray) -> float:
    """Correlation of estimates and labels within folds and candidates, in standard errors of nothing.

    Within folds: a fold's estimates lie around the mean of the others, which is low where its own is high.
    """
    said, true = predicted.copy(), quality.copy()
    for f in np.unique(fold):
        said[fold == f] -= said[fold == f].mean(axis=0)
        true[fold == f] -= true[fold == f].mean(axis=0)
    scale = float(np.sqrt((said**2).sum() * (true**2).sum()))
    return float((said * true).sum()) / scale * np.sqrt(said.size) if scale > 1e-9 else 0.0


@pytest.mark.parametrize("name", [name for name in names("estimator") if name != "task_mean"])
def test_permuted_labels_are_not_known_out_of_fold(name: str) -> None:
    for seed in range(2):
        inputs, quality = permuted(seed)
        fold = np.arange(N) % FOLDS
        predicted = crossfit(estimator(name), inputs, quality, weights_of(quality), fold, seed=seed)
        assert knowledge(predicted, quality, fold) < LIMIT


@dataclass(frozen=True)
class Leaking:
    """Cross-fits a member the wrong way: the rows it will be asked about are among those it is fitted on."""

    name: str
    everything: Inputs
    quality: FloatArray

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int):  # type: ignore[no-untyped-def]
        return estimator(self.name).fit(self.everything, self.quality, weights_of(self.quality), seed=seed)


@pytest.mark.parametrize("name", ["knn", "ridge", "kernel", "stack"])
def test_fitting_on_the_rows_held_out_is_caught(name: str) -> None:
    inputs, quality = permuted(0)
    fold = np.arange(N) % FOLDS
    leak = Leaking(name, inputs, quality)
    predicted = crossfit(leak, inputs, quality, weights_of(quality), fold, seed=0)
    assert knowledge(predicted, quality, fold) > LIMIT


@pytest.mark.parametrize("name", ["ridge", "kernel", "stack"])
def test_a_feature_that_copies_the_label_is_caught(name: str) -> None:
    inputs, quality = permuted(0)
    leaky = replace(inputs, dense=np.concatenate([inputs.dense, quality[:, :1]], axis=1))
    fold = np.arange(N) % FOLDS
    predicted = crossfit(estimator(name), leaky, quality, weights_of(quality), fold, seed=0)
    assert knowledge(predicted, quality, fold) > LIMIT


def test_blocks_are_held_out_whole_inside_a_stack() -> None:
    """Copies of a question with copies of its labels: neighbours know them all, unless they are one block."""
    inputs, quality = permuted(0)
    twice = np.repeat(np.arange(N // 2), 2)
    copied, labels = inputs.rows(twice), quality[twice]
    blocked = replace(copied, block=twice)
    for f in range(3):
        held = blocked.fold(3, seed=0) == f
        assert not set(twice[held]) & set(twice[~held])
    asked = inputs_of(60, seed=9)
    weight = weights_of(labels)
    spread = {
        name: estimator("stack").fit(rows, labels, weight, seed=0).predict(asked).std(axis=0).mean()
        for name, rows in (("blocked", blocked), ("loose", copied))
    }
    assert spread["blocked"] < 0.5 * spread["loose"], "trust is earned on questions not seen"


@pytest.mark.parametrize("name", names("estimator"))
def test_from_prompts_alone_the_names_of_tasks_change_nothing(name: str) -> None:
    made = tiny(120, seed=1)
    shuffled = np.random.default_rng(0).permutation([q.task for q in made.grid.queries]).tolist()
    other = [replace(q, task=task) for q, task in zip(made.grid.queries, shuffled, strict=True)]
    said = []
    for queries in (made.grid.queries, other):
        encoder = fit_encoder(queries, features="prompt", directions=12)
        inputs, quality = encoder.encode(queries), made.grid.quality
        fitted = estimator(name).fit(inputs, quality, weights_of(quality), seed=0)
        said.append(fitted.predict(encoder.encode(queries[:30])))
    np.testing.assert_array_equal(*said)


def test_the_shuffle_would_be_seen_where_tasks_are_used() -> None:
    made = tiny(120, seed=1)
    other = [replace(q, task="t9") for q in made.grid.queries]
    said = []
    for queries in (made.grid.queries, other):
        inputs = fit_encoder(queries, features="prompt+task", directions=12).encode(queries)
        quality = made.grid.quality
        said.append(estimator("task_mean").fit(inputs, quality, weights_of(quality), seed=0).predict(inputs))
    assert not np.allclose(*said)
