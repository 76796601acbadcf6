"""What a joint Gaussian sees of a query: estimates and agreements, as they become known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.answers.equivalence import same_answer
from penstock.answers.published_features import Answers
from penstock.core.executed_sets import everybody, members, pairs
from penstock.errors import InputError
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Signals:
    """Of n queries and k candidates: ``values`` (n, p) in the order ex-ante (k), post-hoc (k), agreement of
    pairs (none, or k(k-1)/2); NaN where a post-hoc signal is missing. ``answered`` (n, k)."""

    values: FloatArray
    answered: BoolArray

    @classmethod
    def of(
        cls, ex_ante: FloatArray, post_hoc: FloatArray, answers: Answers, *, agreement: bool = True
    ) -> Signals:
        """From estimates (n, k) and answers. InputError where shapes disagree or ex-ante is not finite."""
        if ex_ante.shape != answers.codes.shape or post_hoc.shape != ex_ante.shape or not ex_ante.shape[1]:
            raise InputError(
                f"estimates of shapes {ex_ante.shape} and {post_hoc.shape} do not belong to answers of shape "
                f"{answers.codes.shape}"
            )
        if not np.isfinite(ex_ante).all():
            raise InputError("an ex-ante estimate is not a number", field="ex_ante")
        k = ex_ante.shape[1]
        asked, blocks = answers.asked, [ex_ante, np.where(answers.asked, post_hoc, np.nan)]
        for a, b in pairs(everybody(k), k) if agreement else []:
            same = np.where(asked[:, a] & asked[:, b], same_answer(answers.codes, a, b), np.nan)
            blocks.append(same[:, None])
        return cls(np.concatenate(blocks, axis=1), answers.answered)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def count(self) -> int:
        """k."""
        return int(self.answered.shape[1])

    def rows(self, index: IntArray | BoolArray) -> Signals:
        """The same, for some of the queries."""
        return Signals(self.values[index], self.answered[index])

    def seen(self, executed: int) -> IntArray:
        """The columns of ``values`` that are known once a set has run."""
        k = self.count
        known = [*range(k), *(k + members(executed, k)).tolist()]
        if self.values.shape[1] > 2 * k:
            position = {pair: 2 * k + i for i, pair in enumerate(pairs(everybody(k), k))}
            known += [position[pair] for pair in pairs(executed, k)]
        return np.array(known, dtype=np.int64)

    def known(self, executed: int) -> list[tuple[IntArray, IntArray]]:
        """``(columns, rows)``: what is known of which queries once a set has run, less what is missing."""
        columns = self.seen(executed)
        missing = np.isnan(self.values[:, columns])
        if not missing.any():
            return [(columns, np.arange(len(self)))]
        patterns, member = np.unique(missing, axis=0, return_inverse=True)
        return [(columns[~m], np.flatnonzero(member.ravel() == i)) for i, m in enumerate(patterns)]
