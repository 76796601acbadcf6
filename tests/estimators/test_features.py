"""Text features: the same for one prompt as for many, from any process, of any text."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.codec import decode, encode
from penstock.estimators.features import Encoder, fit_encoder
from penstock.testing.tables import tiny
from penstock.types import Query


def queries(*prompts: str | None) -> list[Query]:
    return [Query.from_prompt(f"q{i}", p, task=f"t{i % 2}") for i, p in enumerate(prompts)]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return fit_encoder(tiny(150).grid.queries, directions=12)


def test_one_prompt_is_encoded_as_in_a_batch(encoder: Encoder) -> None:
    many = tiny(20, seed=5).grid.queries
    batch = encoder.encode(many)
    for i, query in enumerate(many):
        np.testing.assert_allclose(encoder.encode([query]).dense, batch.dense[i : i + 1], atol=1e-12)


def test_it_is_restored_bit_for_bit(encoder: Encoder) -> None:
    many = tiny(20, seed=5).grid.queries
    settings, arrays = encode(encoder)
    again = decode(Encoder, settings, {key: value.copy() for key, value in arrays.items()})
    np.testing.assert_array_equal(again.encode(many).dense, encoder.encode(many).dense)


def test_prompts_of_one_topic_lie_together(encoder: Encoder) -> None:
    made = tiny(90, seed=7)
    text = encoder.encode(made.grid.queries).dense[:, : encoder.projection.shape[1]]
    unit = text / np.linalg.norm(text, axis=1, keepdims=True)
    same = made.topic[:, None] == made.topic
    near = unit @ unit.T
    assert near[same & ~np.eye(90, dtype=bool)].mean() > near[~same].mean() + 0.2


def test_the_task_is_seen_only_where_it_was_asked_for() -> None:
    some = queries("a b c", "d e f", "g h i")
    assert set(fit_encoder(some).encode(some).task.tolist()) == {""}
    both = fit_encoder(some, features="prompt+task").encode(some)
    assert both.task.tolist() == ["t0", "t1", "t0"]
    assert both.length.std() == 0.0 or both.length.any()
    alone = fit_encoder(some, features="task").encode(some)
    assert not alone.dense[:, :1].any()
    assert len(np.unique(alone.dense, axis=0)) == 1, "without prompts nothing of them is seen"


@pytest.mark.parametrize(
    "prompts",
    [
        [None] * 5,
        ["same"] * 5,
        ["a", "b", "c"],
        ["\u4e00", "\u4e8c", "\u4e09", "\u56db"],
        ["", " ", "\n", "\t"],
        ["one prompt"],
        ["x" * 50_000, "y", "z z"],
    ],
)
def test_whatever_the_prompts_features_are_finite(prompts: list[str | None]) -> None:
    some = queries(*prompts)
    encoded = fit_encoder(some, directions=8).encode([*some, *queries("something else", "\ud800", "")])
    assert np.isfinite(encoded.dense).all()
    assert np.isfinite(encoded.length).all()
