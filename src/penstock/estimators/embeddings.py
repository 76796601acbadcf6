"""Embeddings of prompts as further features.

Running an embedder takes a model or a network, which this side of the system does not have: the caller gives
one (``Embedder``), as ``penstock.collection.embeddings`` does. What is learnt here is which directions of its
space matter for the prompts at hand: a principal component analysis, half-way to whitening as for n-grams,
so that both kinds of feature suit one penalty and one distance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from penstock import codec
from penstock.errors import InputError
from penstock.estimators.features import TEXT_SCALE, Encoder, Inputs
from penstock.types import FloatArray, Query

DIRECTIONS = 64


class Embedder(Protocol):
    """Something that turns texts into vectors."""

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, d) one vector per text, the same d always; finite."""
        ...

    def spec(self) -> Mapping[str, Any]:
        """Plain settings, without secrets, from which ``OpenEmbedder`` makes the same embedder again."""
        ...


codec.external(Embedder, lambda embedder: (dict(embedder.spec()), {}))

OpenEmbedder = Callable[[Mapping[str, Any]], Embedder]
"""Makes an embedder of what its ``spec`` returned."""


@dataclass(frozen=True)
class EmbeddingEncoder(Encoder):
    """A feature encoder that asks an embedder too. ``centre`` (d,) and ``directions`` (d, r) say what of its
    vectors is kept; ``weight`` in (0, 1) is the embedding's share of the squared text features."""

    embedder: Embedder = field(kw_only=True)
    centre: FloatArray = field(kw_only=True)
    directions: FloatArray = field(kw_only=True)
    weight: float = field(kw_only=True, default=0.5)
    blocking: ClassVar[bool] = True

    @classmethod
    def over(
        cls,
        encoder: Encoder,
        embedder: Embedder,
        queries: Sequence[Query],
        *,
        directions: int = DIRECTIONS,
        weight: float = 0.5,
    ) -> EmbeddingEncoder:
        """``encoder`` with an embedder beside it, its directions learnt from the fitting rows' prompts.

        Outcomes are not looked at. Raises InputError for vectors that are not numbers or differ in length.
        """
        if not encoder.use_prompt:
            raise InputError(
                "embeddings are of prompts, and --features leaves them out", field="--embeddings"
            )
        vectors = _checked(embedder.embed([q.prompt for q in queries]), len(queries))
        centre = vectors.mean(axis=0)
        own = {f.name: getattr(encoder, f.name) for f in fields(Encoder)}
        kept = _principal(vectors - centre, directions)
        return cls(**own, embedder=embedder, centre=centre, directions=kept, weight=weight)

    def encode(self, queries: Sequence[Query]) -> Inputs:
        """Features of n queries, their embeddings' directions among them."""
        inputs = super().encode(queries)
        if not len(queries):
            vectors = np.zeros((0, len(self.centre)))
        else:
            vectors = _checked(self.embedder.embed([q.prompt for q in queries]), len(queries))
        if vectors.shape[1] != len(self.centre):
            raise InputError(
                f"the embedder gives {vectors.shape[1]} numbers per text; {len(self.centre)} were fitted on",
                field="--embeddings",
                hint="Use the embedding model the router was fitted with",
            )
        extra = (vectors - self.centre) @ self.directions
        width = self.projection.shape[1]
        grams, share = np.sqrt(1.0 - self.weight), np.sqrt(self.weight)
        dense = [inputs.dense[:, :width] * grams, inputs.dense[:, width:], extra * share * TEXT_SCALE]
        return replace(inputs, dense=np.concatenate(dense, axis=1))


def opening_once(open_embedder: OpenEmbedder) -> OpenEmbedder:
    """The same, which hands out what it opened before where the same is asked for again: a model that reads
    prompts and answers is loaded once."""
    opened: list[tuple[Mapping[str, Any], Embedder]] = []

    def open_or_find(spec: Mapping[str, Any]) -> Embedder:
        for known, embedder in opened:
            if known == spec:
                return embedder
        opened.append((spec, open_embedder(spec)))
        return opened[-1][1]

    return open_or_find


def _principal(centred: FloatArray, count: int) -> FloatArray:
    """(d, r) directions of most variance, half-way to whitening, rows of mean squared length 1 after it."""
    values, vectors = np.linalg.eigh(centred.T @ centred)
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = int(min(count, max(1, (values > 1e-8 * max(float(values[0]), 1e-300)).sum())))
    if not values[0] > 0:
        return np.zeros((centred.shape[1], 1))
    kept = vectors[:, :rank] / (values[:rank] / values[0]) ** 0.25
    length = float(np.sqrt(((centred @ kept) ** 2).sum(axis=1).mean()))
    directions: FloatArray = kept / (length or 1.0)
    return directions


def _checked(vectors: FloatArray, count: int) -> FloatArray:
    # in single precision, as caches keep them: a router sees the same vector with a cache and without one
    found = np.asarray(vectors, dtype=np.float32).astype(np.float64)
    if found.ndim != 2 or len(found) != count or not np.isfinite(found).all():
        raise InputError(
            f"the embedder returned an array of shape {found.shape} for {count} texts, or numbers that are "
            "not finite",
            field="--embeddings",
        )
    return found
