"""Agreement of open text: which answers to one query mean the same, by an embedder.

The embedder is the caller's, for it needs a model or a network, which this side of the system does not have.
An answer joins a group only where it is close to *every* member (complete link): a chain of small steps must
not lead from one answer to its opposite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penstock.answers.equivalence import NONE
from penstock.errors import InputError
from penstock.estimators.comparison.choose_form import LEAST_GAIN, agreement_gain
from penstock.estimators.embeddings import Embedder
from penstock.types import Answer, FloatArray, HasAnswers, IntArray, Status

_GRID = 25


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least cosine at which two answers are taken as the same, and the ``gain`` it has on fitting rows
    (nats per pair and query, as ``agreement_gain``). ``cosine`` None: agreement says nothing at any."""

    cosine: float | None
    gain: float


def similarities(texts: Sequence[Sequence[str | None]], embedder: Embedder) -> FloatArray:
    """(n, k, k) cosines of the answers to n queries by k candidates; NaN where there is no answer (None).

    Every distinct text is embedded once. InputError for vectors that are not numbers.
    """
    n, k = len(texts), len(texts[0]) if texts else 0
    distinct = {
        text: i for i, text in enumerate(dict.fromkeys(t for row in texts for t in row if t is not None))
    }
    found = np.full((n, k, k), np.nan)
    if not distinct:
        return found
    vectors = np.asarray(embedder.embed(list(distinct)), dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) != len(distinct) or not np.isfinite(vectors).all():
        raise InputError(
            f"the embedder must give {len(distinct)} vectors of finite numbers", field="embedder"
        )
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    for i, row in enumerate(texts):
        there = [j for j, text in enumerate(row) if text is not None]
        mine = unit[[distinct[text] for text in row if text is not None]]
        found[i][np.ix_(there, there)] = np.clip(mine @ mine.T, -1.0, 1.0)
    return found


def codes_at(similarity: FloatArray, cosine: float) -> IntArray:
    """(n, k) groups of ``similarity`` (n, k, k), numbered within their query.

    An answer joins the first group to all of whose members its cosine is at least ``cosine``, in the order of
    candidates, else it opens one. ``NONE`` where there is no answer.
    """
    n, k, _ = similarity.shape
    code = np.full((n, k), NONE)
    opened = np.zeros(n, dtype=np.int64)
    close = similarity >= cosine
    for j in range(k):
        waiting = ~np.isnan(similarity[:, j, j])
        for group in range(int(opened.max(initial=0))):
            member = code[:, :j] == group
            joins = waiting & member.any(axis=1) & (close[:, j, :j] | ~member).all(axis=1)
            code[joins, j] = group
            waiting &= ~joins
        code[waiting, j] = opened[waiting]
        opened[waiting] += 1
    return code


def choose_threshold(similarity: FloatArray, quality: FloatArray, *, points: int = _GRID) -> Threshold:
    """The cosine under which "same answer" tells most about who is right, on fitting rows.

    Tries ``points`` quantiles of the cosines seen, then as many values between the best one's neighbours: the
    best lies in a gap, where no cosine was seen. ``similarity`` (n, k, k), ``quality`` (n, k), NaN unknown.
    """
    k = quality.shape[1]
    pairs = similarity[:, *np.triu_indices(k, 1)]
    pairs = pairs[~np.isnan(pairs)]
    if not pairs.size:
        return Threshold(None, 0.0)

    def gains_of(cosines: FloatArray) -> list[float]:
        return [agreement_gain(codes_at(similarity, c), quality) for c in cosines.tolist()]

    tried = np.unique(np.quantile(pairs, np.linspace(0.02, 0.98, points)))
    gains = gains_of(tried)
    best = int(np.argmax(gains))
    between = np.linspace(tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)], points)
    gains = gains + gains_of(between)
    tried = np.concatenate([tried, between])
    best = int(np.argmax(gains))
    return Threshold(float(tried[best]) if gains[best] >= LEAST_GAIN else None, gains[best])


def answer_texts(recorded: HasAnswers) -> list[list[str | None]]:
    """The texts of n x k answers that came back; None for the others and for blank ones."""
    n, k = recorded.shape
    return [[text_of(recorded.answer_of(i, j)) for j in range(k)] for i in range(n)]


def text_of(answer: Answer) -> str | None:
    """The text of an answer that came back; None of any other, and of a blank one."""
    return answer.text if answer.status is Status.ANSWERED and answer.text.strip() else None
