"""The published features of one regression per (predicted candidate, executed set)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.answers.equivalence import same_answer
from penstock.answers.published_features import Answers
from penstock.core.executed_sets import members, pairs
from penstock.errors import InputError
from penstock.estimators.post_hoc.logistic import prior_logit
from penstock.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class SetRows:
    """What may be known of n queries: ``answers``, the ``ex_ante`` estimates (n, k) and ``task`` names (n,),
    all ``""`` where the task is not to be used."""

    answers: Answers
    ex_ante: FloatArray
    task: NDArray[np.str_]

    @classmethod
    def of(cls, answers: Answers, ex_ante: FloatArray, task: NDArray[np.str_] | None = None) -> SetRows:
        """Checked: InputError where shapes disagree or an estimate is not finite."""
        named = np.full(len(answers), "", dtype=np.str_) if task is None else task
        if ex_ante.ndim != 2 or ex_ante.shape != answers.codes.shape or len(named) != len(answers):
            raise InputError(
                f"ex-ante estimates of shape {ex_ante.shape} and {len(named)} tasks do not belong to answers "
                f"of shape {answers.codes.shape}"
            )
        if not ex_ante.shape[1]:
            raise InputError("there is no candidate to estimate")
        if not np.isfinite(ex_ante).all():
            raise InputError("an ex-ante estimate is not a number", field="ex_ante")
        return cls(answers, ex_ante, named)

    def __len__(self) -> int:
        return len(self.answers)

    def rows(self, index: IntArray | BoolArray) -> SetRows:
        """The same, for some of the queries."""
        return SetRows(self.answers.rows(index), self.ex_ante[index], self.task[index])


@dataclass(frozen=True)
class SetFeatures:
    """Which features a regression has. ``tasks``: those seen in fitting, empty where unused; ``refine``: the
    candidate's ex-ante estimate; ``others``: the own features of every other executed candidate."""

    tasks: tuple[str, ...]
    refine: bool
    others: bool

    def before(self, rows: SetRows, column: int) -> FloatArray:
        """(n, a) what is known without any answer."""
        known = [np.asarray(rows.task == task, dtype=np.float64)[:, None] for task in self.tasks]
        if self.refine:
            known.append(prior_logit(rows.ex_ante[:, column])[:, None])
        return np.concatenate(known, axis=1) if known else np.zeros((len(rows), 0))

    def after(self, rows: SetRows, column: int, executed: int) -> FloatArray:
        """(n, b) what the executed candidates' answers add; b = 0 where they say nothing of the candidate."""
        k = rows.ex_ante.shape[1]
        ran = members(executed, k).tolist()
        agree = [same_answer(rows.answers.codes, a, b)[:, None] for a, b in pairs(executed, k)]
        features = [rows.answers.own[:, i] for i in ran if i == column or self.others]
        found = [np.asarray(block, dtype=np.float64) for block in (*agree, *features)]
        return np.concatenate(found, axis=1) if found else np.zeros((len(rows), 0))
