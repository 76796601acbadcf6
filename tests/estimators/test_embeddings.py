"""Embeddings of prompts among the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from penstock.codec import Arrays, decode, encode
from penstock.errors import BundleError, InputError
from penstock.estimators.embeddings import Embedder, EmbeddingEncoder
from penstock.estimators.features import TEXT_SCALE, Encoder, fit_encoder
from penstock.testing.tables import TOPICS, tiny
from penstock.types import FloatArray

EITHER = Encoder | EmbeddingEncoder


class Topical:
    """Sees the topic of a prompt and nothing else, among many numbers that mean nothing."""

    size = 30

    def embed(self, texts: Sequence[str]) -> FloatArray:
        vectors = np.zeros((len(texts), self.size))
        for i, text in enumerate(texts):
            vectors[i] = np.random.default_rng(len(text)).normal(size=self.size) * 0.1
            vectors[i, :3] += [sum(word in text for word in topic) > 0 for topic in TOPICS]
        return vectors

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "topical"}


class Broken(Topical):
    size = 31


@pytest.fixture(scope="module")
def encoder() -> EmbeddingEncoder:
    queries = tiny(150).grid.queries
    return EmbeddingEncoder.over(fit_encoder(queries, directions=12), Topical(), queries, directions=5)


def test_they_stand_beside_the_other_features(encoder: EmbeddingEncoder) -> None:
    queries = tiny(40, seed=3).grid.queries
    plain = Encoder.encode(encoder, queries)
    found = encoder.encode(queries)
    assert found.dense.shape[1] == plain.dense.shape[1] + encoder.directions.shape[1]
    extra = found.dense[:, plain.dense.shape[1] :] / TEXT_SCALE
    assert (extra**2).sum(axis=1).mean() == pytest.approx(encoder.weight, rel=0.2)


def test_one_prompt_is_encoded_as_in_a_batch(encoder: EmbeddingEncoder) -> None:
    queries = tiny(10, seed=3).grid.queries
    batch = encoder.encode(queries)
    for i, query in enumerate(queries):
        np.testing.assert_allclose(encoder.encode([query]).dense, batch.dense[i : i + 1], atol=1e-12)
    assert len(encoder.encode([])) == 0


def test_it_is_restored_with_an_embedder_that_somebody_opens(encoder: EmbeddingEncoder) -> None:
    queries = tiny(10, seed=3).grid.queries
    asked: list[Mapping[str, Any]] = []

    def open_embedder(spec: Mapping[str, Any], arrays: Arrays) -> Topical:
        asked.append(spec)
        return Topical()

    again = decode(EITHER, *encode(encoder), {Embedder: open_embedder})
    assert asked == [Topical().spec()]
    np.testing.assert_array_equal(again.encode(queries).dense, encoder.encode(queries).dense)
    with pytest.raises(BundleError, match="turns texts into vectors, and none can be opened"):
        decode(EITHER, *encode(encoder))
    plain = decode(EITHER, *encode(fit_encoder(queries, directions=4)))
    assert type(plain) is Encoder


def test_another_model_s_vectors_are_refused(encoder: EmbeddingEncoder) -> None:
    queries = tiny(10, seed=3).grid.queries
    with pytest.raises(InputError, match="31 numbers per text; 30 were fitted on"):
        replace(encoder, embedder=Broken()).encode(queries)


def test_without_prompts_there_is_nothing_to_embed() -> None:
    queries = tiny(30).grid.queries
    with pytest.raises(InputError, match="--features"):
        EmbeddingEncoder.over(fit_encoder(queries, features="task"), Topical(), queries)
