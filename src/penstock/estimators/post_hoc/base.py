"""Estimates after the call: settings that can be fitted on answers, and what fitting gives.

What is fitted turns what was known before (``Before``) into a ``Belief`` about the same queries, which an
observation moves: of one candidate or of all of them, quality and cost. A belief is made of recorded answers
for fitting and evaluation, and of none for a live request, whose answers it reads as they come.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from penstock.belief import Belief, GoesBy, OwnAnswerBelief
from penstock.codec import SHARED, take
from penstock.errors import PenstockError
from penstock.estimators.comparison.comparison import Comparison
from penstock.estimators.features import Inputs
from penstock.estimators.recorded import RecordedAnswers
from penstock.registry import Room
from penstock.types import Answer, BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Before:
    """What is known of n queries before anyone is called: expected ``quality`` and ``cost`` (n, k), each
    query's ``draw`` (n,), and the ``inputs`` estimates were made from."""

    quality: FloatArray
    cost: FloatArray
    draw: FloatArray
    inputs: Inputs


class FittedPostHoc(ABC):
    """What answers add to estimates made before them, of k candidates. Subclasses are frozen dataclasses,
    registered in the room ``fitted_post_hoc``; a bundle stores their fields."""

    room: ClassVar[Room] = Room.FITTED_POST_HOC

    @abstractmethod
    def believe(self, before: Before, answers: RecordedAnswers | None = None) -> Belief:
        """What is believed of the queries of ``before``; ``answers`` None: they are live."""

    @property
    def blocking(self) -> bool:
        """Whether reading an answer may wait for a network or for a model of the size of one."""
        return False

    @property
    def notes(self) -> tuple[str, ...]:
        """What an operator should know about it, in sentences."""
        return ()


@dataclass(frozen=True)
class OwnAnswerPostHoc(FittedPostHoc):
    """Base of estimates by which an answer changes its own candidate's estimate alone: give ``estimate``."""

    @abstractmethod
    def estimate(self, ex_ante: FloatArray, answers: Sequence[Answer], columns: IntArray) -> FloatArray:
        """(m,) expected quality of m ``answers`` of candidates ``columns`` (m,) that were expected to be
        worth ``ex_ante`` (m,)."""

    def shift_sd(self, ex_ante: FloatArray) -> FloatArray | None:
        """(n, k) how far estimates will shift once the candidates have answered; None: not known, and no
        policy values a look."""
        return None

    def recorded(self, before: Before, answers: RecordedAnswers) -> FloatArray:
        """(n, k) ``estimate`` of every recorded answer, 0 where there is none."""
        estimates = np.zeros(before.quality.shape)
        rows, columns = np.nonzero(answers.answered)
        cells = zip(rows.tolist(), columns.tolist(), strict=True)
        found = [answers.answer_of(i, j) for i, j in cells]
        estimates[rows, columns] = self.estimate(before.quality[rows, columns], found, columns)
        return estimates

    def believe(self, before: Before, answers: RecordedAnswers | None = None) -> OwnAnswerBelief:
        told = answers is not None
        return OwnAnswerBelief(
            ex_ante=before.quality,
            post_hoc=before.quality if answers is None else self.recorded(before, answers),
            cost=before.cost,
            draw=before.draw,
            shift_sd=self.shift_sd(before.quality),
            refused=~answers.answered if told and answers is not None else None,
            confidence=answers.confidence if told and answers is not None else None,
            read=self.estimate,
        )


@dataclass(frozen=True)
class PostHocData:
    """What an estimate after the call is fitted on: n queries with cross-fitted estimates ``before``.

    ``answers`` holds one draw of the samples or several (``outcomes.matrix``), ``quality`` the true quality
    (n, k) of the very answers of each draw, NaN where unknown. ``weight`` (n, k) is 0 where a cell is
    missing; ``fold`` (n,) is the fold a row is held out in; ``tuning`` (n,) marks the rows that are complete,
    and ``cluster`` numbers what those stand or fall together with. ``comparison``: which answers are the
    same, None where agreement says nothing.
    """

    before: Before
    answers: tuple[RecordedAnswers, ...]
    quality: tuple[FloatArray, ...]
    weight: FloatArray
    fold: IntArray
    tuning: BoolArray
    cluster: IntArray
    comparison: Comparison | None = field(default=None, metadata=SHARED)

    def __take__(self, index: IntArray) -> PostHocData:
        position = np.cumsum(self.tuning) - 1
        return replace(
            self,
            before=take(self.before, index),
            answers=tuple(take(a, index) for a in self.answers),
            quality=tuple(q[index] for q in self.quality),
            weight=self.weight[index],
            fold=self.fold[index],
            tuning=self.tuning[index],
            cluster=self.cluster[position[index][self.tuning[index]]],
        )


@dataclass(frozen=True)
class BeliefPart:
    """What is believed of some of the tuning rows, by a model that has not seen them: ``rows`` (m,) of
    them."""

    rows: IntArray
    belief: Belief


@dataclass(frozen=True)
class CrossfitPostHoc:
    """Fitted on all rows, and out of fold: for every draw of the samples (or the first alone) beliefs about
    all tuning rows, in parts. ``estimates``: for every draw the out-of-fold estimates (n, k) after each
    answer by itself, where there are such."""

    fitted: FittedPostHoc | None
    beliefs: tuple[tuple[BeliefPart, ...], ...]
    estimates: tuple[FloatArray, ...] | None = None


class PostHocEstimator(ABC):
    """Settings of an estimate after the call, registered in the room ``post_hoc`` under its name. Subclasses
    are frozen dataclasses whose fields all have defaults."""

    goes_by: ClassVar[GoesBy] = GoesBy.ANSWERS
    """Which policies are tuned on it: those that go by the same."""

    @abstractmethod
    def fit(self, data: PostHocData, *, seed: int) -> FittedPostHoc | None:
        """Fit on all rows of ``data``, which is not changed; None where answers show nothing."""

    def crossfit(
        self, data: PostHocData, earlier: Mapping[str, CrossfitPostHoc], *, seed: int, threads: int
    ) -> CrossfitPostHoc | None:
        """Fit on all rows, and believe every tuning row by a fit on the other folds; None where answers show
        nothing. ``earlier``: what was cross-fitted on the same data before, by name."""
        fitted = self.fit(data, seed=seed)
        if fitted is None:
            return None
        place = np.cumsum(data.tuning) - 1
        parts: list[list[BeliefPart]] = [[] for _ in data.answers]
        for fold in np.unique(data.fold).tolist():
            held = np.flatnonzero((data.fold == fold) & data.tuning)
            if not held.size:
                continue
            model = self.fit(take(data, np.flatnonzero(data.fold != fold)), seed=seed) or fitted
            before = take(data.before, held)
            for found, answers in zip(parts, data.answers, strict=True):
                found.append(BeliefPart(place[held], model.believe(before, take(answers, held))))
        return CrossfitPostHoc(fitted, tuple(tuple(p) for p in parts))


def whole(belief: Belief, rows: int) -> tuple[BeliefPart, ...]:
    """One belief about all of ``rows`` tuning rows."""
    if not rows:
        raise PenstockError("there are no rows to believe anything of")
    return (BeliefPart(np.arange(rows), belief),)
