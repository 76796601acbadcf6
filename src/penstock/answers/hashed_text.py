"""The words of many answers as one sparse matrix, on NumPy alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.core.ngrams import WORD_BUCKETS, word_counts
from penstock.types import FloatArray, IntArray

READ = 1_500
"""Characters from the end of an answer: where it comes to its result."""


def hashed_words(text: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Buckets (w,) and weights (w,) of an answer's words and pairs of words.

    In four bytes each: of a large table there are tens of millions.
    """
    buckets, weights = word_counts(text[-READ:])
    return buckets.astype(np.int32), weights.astype(np.float32)


@dataclass(frozen=True)
class HashedText:
    """m answers by row: the buckets of answer i are ``bucket[start[i]:start[i + 1]]``, with a ``weight``
    each."""

    start: IntArray
    bucket: NDArray[np.int32]
    weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.start) - 1

    @classmethod
    def of(cls, texts: Iterable[str]) -> HashedText:
        """Of texts, in their order; an empty one has no words."""
        found = [hashed_words(text) for text in texts]
        sizes = [len(buckets) for buckets, _ in found]
        return cls(
            np.cumsum([0, *sizes], dtype=np.int64),
            np.concatenate([np.zeros(0, dtype=np.int32), *(buckets for buckets, _ in found)]),
            np.concatenate([np.zeros(0, dtype=np.float32), *(weights for _, weights in found)]),
        )

    @classmethod
    def joined(cls, parts: Sequence[HashedText]) -> HashedText:
        """One after another."""
        if len(parts) == 1:
            return parts[0]
        sizes = np.concatenate([np.diff(p.start) for p in parts])
        return cls(
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([p.bucket for p in parts]),
            np.concatenate([p.weight for p in parts]),
        )

    def __take__(self, index: IntArray) -> HashedText:
        size = np.diff(self.start)[index]
        start = np.concatenate([[0], np.cumsum(size)])
        at = np.arange(start[-1]) + np.repeat(self.start[:-1][index] - start[:-1], size)
        return HashedText(start, self.bucket[at], self.weight[at])

    def times(self, values: FloatArray) -> FloatArray:
        """(m,) the weighted sum of ``values`` (``WORD_BUCKETS``,) over each answer's words."""
        row = np.repeat(np.arange(len(self)), np.diff(self.start))
        total = np.bincount(row, weights=self.weight * values[self.bucket], minlength=len(self))
        return np.asarray(total, dtype=np.float64)  # of no words at all NumPy counts in integers

    def seen_in(self) -> IntArray:
        """(``WORD_BUCKETS``,) how many answers each bucket occurs in."""
        return np.bincount(self.bucket, minlength=WORD_BUCKETS)
