"""What an answer's own words say of it, learned from graded answers: a verifier at the price of a sum.

Mistakes are made alike. A step that right answers never take, a value that many arrive at by the same slip, a
way of putting it that goes with having lost the thread: words and pairs of words from the end of an answer,
in a logistic regression over all candidates at once, on top of what was expected before it came. It knows
nothing of the question; where words say nothing on rows it has not seen, there is no verifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.answers.hashed_text import HashedText, hashed_words
from penstock.core.ngrams import WORD_BUCKETS
from penstock.errors import MissingExtra
from penstock.estimators.ex_ante.linear import logit, sigmoid
from penstock.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PENALTIES = (10.0, 3.0, 1.0, 0.3)
"""Of a word's weight; falling, so that each fit starts from the one before, until one loses more."""
_LEVEL_PENALTY = 0.01
_ENTRIES = 2_500_000
"""Words of answers that are learned from at most; the answers are drawn by seed."""
_LEAST_SEEN = 3
"""In how many answers a word has to occur."""
_STEPS = 100


@dataclass(frozen=True)
class TextVerifier:
    """Fitted: log odds per word (``WORD_BUCKETS``,), inverse document frequency included, and the ``level``
    (k,) of each candidate."""

    words: FloatArray
    level: FloatArray

    def score(self, text: HashedText) -> FloatArray:
        """(n, k) log odds that the words of n x k answers add to what was expected of them."""
        score: FloatArray = text.times(self.words).reshape(-1, len(self.level)) + self.level
        return score

    def score_text(self, text: str, column: int) -> float:
        """The same of one answer of one candidate."""
        buckets, weights = hashed_words(text)
        return float(weights @ self.words[buckets] + self.level[column])


def fit_text_verifier(
    ex_ante: FloatArray,
    text: HashedText,
    quality: FloatArray,
    weight: FloatArray,
    fold: IntArray,
    *,
    seed: int,
) -> tuple[TextVerifier, FloatArray] | None:
    """A verifier of all n rows, and its out-of-fold scores (n, k): those of fold f from answers outside it.

    ``ex_ante`` (n, k) cross-fitted; ``quality`` (n, k) in [0, 1] of the answers whose ``weight`` (n, k) is
    above 0; ``text`` of the n x k answers. The penalty is the first after which the out-of-fold log
    loss rises; None where leaving the words unread loses less. Raises MissingExtra without SciPy.
    """
    if not len(text.bucket):
        return None
    cells = _Cells.of(ex_ante, text, quality, weight, fold)
    least = cells.loss(np.zeros(len(cells.offset)))
    numbers = np.unique(fold).tolist()
    learned = cells.some(seed)
    everybody = np.ones(len(cells.offset), dtype=bool)
    parts = [everybody, *(cells.fold != f for f in numbers)]
    found = [np.zeros(len(cells.used) + cells.candidates) for _ in parts]
    best: tuple[FloatArray, FloatArray] | None = None
    for penalty in PENALTIES:
        found = [cells.fit(part & learned, penalty, start) for part, start in zip(parts, found, strict=True)]
        score = np.zeros(len(cells.offset))
        for f, coefficients in zip(numbers, found[1:], strict=True):
            held = cells.fold == f
            score[held] = cells.score(coefficients)[held]
        loss = cells.loss(score)
        if loss >= least:  # and it only gets worse from here
            break
        least, best = loss, (found[0], score)
    if best is None:
        return None
    return cells.verifier(best[0]), best[1].reshape(ex_ante.shape)


@dataclass(frozen=True)
class _Cells:
    """m = n x k answers: the u words that are common enough as a sparse matrix (m, u), scaled by their
    ``rarity`` (u,); the buckets ``used`` (u,) they are counted in, and how many words (m,) an answer has; the
    ex-ante logit as ``offset`` (m,), whose they are, what they are worth, and the fold of their row."""

    words: csr_matrix
    rarity: FloatArray
    used: IntArray
    length: IntArray
    offset: FloatArray
    column: IntArray
    quality: FloatArray
    weight: FloatArray
    fold: IntArray
    candidates: int

    @classmethod
    def of(
        cls, ex_ante: FloatArray, text: HashedText, quality: FloatArray, weight: FloatArray, fold: IntArray
    ) -> _Cells:
        try:
            from scipy.sparse import csr_matrix
        except ImportError as error:
            raise MissingExtra("fit", "learning to read answers") from error
        n, k = ex_ante.shape
        often = text.seen_in()
        rarity = np.log((1.0 + n * k) / (1.0 + often))
        scaled = text.weight * rarity[text.bucket]
        used = np.flatnonzero(often >= _LEAST_SEEN)
        words = csr_matrix((scaled, text.bucket, text.start), shape=(n * k, WORD_BUCKETS))
        return cls(
            words=words[:, used],
            rarity=rarity[used],
            used=used,
            length=np.diff(text.start),
            offset=logit(ex_ante).ravel(),
            column=np.tile(np.arange(k), n),
            quality=np.nan_to_num(quality).ravel(),
            weight=weight.ravel(),
            fold=np.repeat(fold, k),
            candidates=k,
        )

    def some(self, seed: int) -> BoolArray:
        """(m,) which answers are learned from."""
        drawn = np.random.default_rng(seed).permutation(np.flatnonzero(self.weight > 0))
        entries = np.cumsum(self.length[drawn])
        picked = np.zeros(len(self.weight), dtype=bool)
        picked[drawn[entries <= _ENTRIES]] = True
        return picked

    def score(self, coefficients: FloatArray) -> FloatArray:
        """(m,) what coefficients (words, then candidates) add to the offset."""
        of_words, level = np.split(coefficients, [len(self.used)])
        score: FloatArray = self.words @ of_words + level[self.column]
        return score

    def verifier(self, coefficients: FloatArray) -> TextVerifier:
        """What serves them."""
        of_words, level = np.split(coefficients, [len(self.used)])
        words = np.zeros(WORD_BUCKETS)
        words[self.used] = of_words * self.rarity
        return TextVerifier(words, level)

    def loss(self, score: FloatArray) -> float:
        """Weighted log loss of all answers."""
        odds = self.offset + score
        return float((self.weight * (np.logaddexp(0.0, odds) - self.quality * odds)).sum())

    def fit(self, part: BoolArray, penalty: float, start: FloatArray) -> FloatArray:
        """Coefficients of the least penalised loss over the answers of ``part`` (m,)."""
        from scipy.optimize import minimize

        rows = np.flatnonzero(part)
        words, offset, column = self.words[rows], self.offset[rows], self.column[rows]
        quality, weight = self.quality[rows], self.weight[rows]
        turned = words.T.tocsr()
        u = len(self.used)
        ridge = np.concatenate([np.full(u, penalty), np.full(self.candidates, _LEVEL_PENALTY)])

        def objective(v: FloatArray) -> tuple[float, FloatArray]:
            odds = offset + words @ v[:u] + v[u:][column]
            surprise = weight * (sigmoid(odds) - quality)
            by_candidate = np.bincount(column, surprise, minlength=self.candidates)
            value = (weight * (np.logaddexp(0.0, odds) - quality * odds)).sum() + 0.5 * (ridge * v) @ v
            return float(value), np.concatenate([turned @ surprise, by_candidate]) + ridge * v

        found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
        result: FloatArray = found.x
        return result
