"""From queries to numbers: what every ex-ante estimator is given.

Fitting learns which hashed n-grams matter (inverse document frequency) and their main directions (a truncated
singular value decomposition); encoding a new query is a sparse row times that projection, on NumPy alone.
The encoder never sees an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from penstock.codec import stored_as, take
from penstock.core.ngrams import (
    BUCKETS,
    FEATURES_VERSION,
    SHAPE_NAMES,
    check_version,
    hashed_counts,
    shape,
)
from penstock.errors import MissingExtra
from penstock.types import FloatArray, IntArray, Query

UNKNOWN_TASK = ""


@dataclass(frozen=True)
class Inputs:
    """What is known of n queries before any candidate has answered.

    ``dense`` (n, d): standardised features; ``length`` (n,): log of the prompt's characters; ``task`` (n,):
    task names, all ``""`` unless the encoder was told to use them. ``block`` (n,) numbers what is never
    separated when a fit holds out rows of its own (a question's variants, or a task); None: every row by
    itself.
    """

    dense: FloatArray
    length: FloatArray
    task: NDArray[np.str_]
    block: IntArray | None = None

    def __len__(self) -> int:
        return len(self.dense)

    def rows(self, index: NDArray[Any]) -> Self:
        """The same, for some of the queries."""
        return take(self, index)

    def fold(self, count: int, seed: int) -> IntArray:
        """(n,) folds 0..``count`` - 1 of about equal size, whole blocks dealt in an order drawn by seed.

        Fewer where there are fewer blocks than folds.
        """
        rng = np.random.default_rng(seed)
        if self.block is None:
            return rng.permutation(len(self)) % count
        _, block, size = np.unique(self.block, return_inverse=True, return_counts=True)
        fold, filled = np.zeros(len(size), dtype=np.int64), [0] * count
        for b in rng.permutation(len(size)).tolist():
            fold[b] = filled.index(min(filled))
            filled[fold[b]] += int(size[b])
        return fold[block]


@dataclass(frozen=True)
class Encoder:
    """A fitted feature encoder; ``use_task`` says whether the task's name may be used (``--features``)."""

    idf: NDArray[np.float32]
    projection: NDArray[np.float32] = field(metadata=stored_as("float16"))
    shape_mean: FloatArray
    shape_scale: FloatArray
    use_task: bool
    use_prompt: bool
    features_version: int = FEATURES_VERSION
    blocking: ClassVar[bool] = False
    """Whether ``encode`` may wait for a network or for a model of the size of one."""

    def __post_init__(self) -> None:
        check_version(self.features_version)

    def encode(self, queries: Sequence[Query]) -> Inputs:
        """Features of n queries."""
        prompts = [q.prompt if self.use_prompt else "" for q in queries]
        text = np.zeros((len(prompts), self.projection.shape[1]))
        for i, prompt in enumerate(prompts):
            if prompt:
                buckets, weights = hashed_counts(prompt)
                row = (weights * self.idf[buckets]) @ self.projection[buckets]
                text[i] = row
        return self._inputs(queries, prompts, text)

    def _inputs(self, queries: Sequence[Query], prompts: Sequence[str], text: FloatArray) -> Inputs:
        shapes = np.array([shape(p) for p in prompts]).reshape(len(prompts), len(SHAPE_NAMES))
        standard = np.clip((shapes - self.shape_mean) / self.shape_scale, -4.0, 4.0)
        tasks = [(q.task or UNKNOWN_TASK) if self.use_task else UNKNOWN_TASK for q in queries]
        dense = np.concatenate([text * TEXT_SCALE, standard * SHAPE_SCALE], axis=1)
        return Inputs(dense, shapes[:, 0], np.array(tasks, dtype=np.str_))


TEXT_SCALE = 8.0
SHAPE_SCALE = 0.5
"""Relative weight of the blocks under one ridge penalty: a text row has length about 1 before scaling."""


def fit_encoder(
    queries: Sequence[Query],
    *,
    features: str = "prompt",
    directions: int = 96,
    seed: int = 0,
    sample: int = 4_000,
) -> Encoder:
    """Learn an encoder from the prompts of the fitting rows.

    ``features``: ``prompt``, ``task`` or ``prompt+task``. The decomposition is computed on at most ``sample``
    prompts (seeded). Raises MissingExtra without the ``fit`` extra.
    """
    use_prompt, use_task = "prompt" in features, "task" in features
    prompts = [q.prompt if use_prompt else "" for q in queries]
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(prompts))[:sample]
    idf, projection = _text_directions([prompts[i] for i in chosen], directions, seed)
    shapes = np.array([shape(p) for p in prompts]).reshape(len(prompts), len(SHAPE_NAMES))
    scale = shapes.std(axis=0)
    return Encoder(
        idf=idf,
        # stored and served in half precision: rounded here, so that fitting sees what serving will see
        projection=projection.astype(np.float16).astype(np.float32),
        shape_mean=shapes.mean(axis=0),
        shape_scale=np.where(scale > 1e-9, scale, 1.0),
        use_task=use_task,
        use_prompt=use_prompt,
    )


def _text_directions(
    prompts: Sequence[str], directions: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Inverse document frequencies (buckets,) and whitened directions (buckets, r) of the prompts."""
    try:
        from scipy.sparse import csr_matrix
        from sklearn.utils.extmath import randomized_svd
    except ImportError as error:
        raise MissingExtra("fit", "fitting text features") from error
    counted = [hashed_counts(p) for p in prompts if p]
    if len({p for p in prompts if p}) < 3:
        return np.zeros(BUCKETS, dtype=np.float32), np.zeros((BUCKETS, 1), dtype=np.float32)
    indptr = np.cumsum([0] + [len(b) for b, _ in counted])
    columns = np.concatenate([b for b, _ in counted])
    seen = np.bincount(columns, minlength=BUCKETS)
    idf = np.where(seen > 1, np.log((1 + len(counted)) / (1 + seen)), 0.0)
    data = np.concatenate([w for _, w in counted]) * idf[columns]
    matrix = csr_matrix((data, columns, indptr), shape=(len(counted), BUCKETS))
    rank = int(min(directions, len(counted) - 1))
    _, sigma, vt = randomized_svd(matrix, n_components=rank, n_iter=3, random_state=seed)
    if not sigma[0] > 0:  # no n-gram stands in some prompts and not in others
        return idf.astype(np.float32), np.zeros((BUCKETS, 1), dtype=np.float32)
    keep = sigma > sigma[0] * 1e-4
    sigma, vt = sigma[keep], vt[keep]
    # half-way to whitening: later directions carry the distinctions between tasks, early ones their volume
    projection = vt.T / np.sqrt(sigma / sigma[0])
    scores = matrix @ projection
    length = float(np.sqrt((scores**2).sum(axis=1).mean())) or 1.0
    return idf.astype(np.float32), (projection / length).astype(np.float32)
