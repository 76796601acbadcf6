"""The likelihood of a reference under an embedded model that has read the response's reasoning.

A response of these models ends in "answer : ..."; that part is cut off, and the model is asked how probable
it finds the reference in its place. Reasoning that leads to the reference makes it likely, reasoning that
went wrong does not, and the further it went wrong the less: a graded quality, where right and wrong are only
two values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from penstock.outcomes.likelihood import Case
from penstock.runtime.model import LanguageModel
from penstock.runtime.sampling import log_softmax
from penstock.types import FloatArray

_ANSWER = re.compile(r"(?:^|\s)answer\s*:.*$", re.DOTALL)
_BATCH = 64


class EmbeddedLikelihood:
    """Scores references with an embedded model (``outcomes.likelihood.Likelihood``)."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    def log_likelihoods(self, cases: Sequence[Case]) -> FloatArray:
        """(n,) mean natural-log probability of the reference's tokens and the end after "answer :".

        Of a case longer than the context, the beginning of the response is left out.
        """
        rows = [self._ids(case) for case in cases]
        found = np.empty(len(rows))
        order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            found[chosen] = self._batch([rows[i] for i in chosen])
        return found

    def _ids(self, case: Case) -> tuple[list[int], int]:
        """Token ids of everything, and how many at the end are scored."""
        tokenizer = self.model.tokenizer
        asked = list(self.model.prompt_ids(case.prompt))
        body = tokenizer.encode(_ANSWER.sub("", case.response))
        mark = tokenizer.encode("answer :")
        target = [*tokenizer.encode(case.reference), tokenizer.end_id]
        room = max(0, self.model.network.context - len(asked) - len(mark) - len(target))
        return [*asked, *body[max(0, len(body) - room) :], *mark, *target], len(target)

    def _batch(self, rows: Sequence[tuple[list[int], int]]) -> FloatArray:
        network, pad = self.model.network, self.model.tokenizer.pad_id
        longest = max(len(ids) for ids, _ in rows)
        ids = np.full((len(rows), longest), pad, np.int64)
        valid = np.zeros(ids.shape, np.bool_)
        for i, (row, _) in enumerate(rows):
            ids[i, longest - len(row) :] = row
            valid[i, longest - len(row) :] = True
        most = max(count for _, count in rows)
        logits = network.read(ids, valid, network.empty(len(rows))).logits[:, -most - 1 : -1]
        table = log_softmax(logits.astype(np.float64))
        scores = np.take_along_axis(table, ids[:, -most:, None], axis=2)[..., 0]
        return np.array([scores[i, most - count :].mean() for i, (_, count) in enumerate(rows)])
