"""Who is right, from who gave the same answer as whom: the agreement model of k candidates, fitted.

The model is ``core.agreement``: candidates differ in skill, queries in difficulty, right answers coincide and
wrong ones seldom do. It turns ex-ante estimates, what each answer's own features say, and agreement into one
posterior for every candidate, executed or not, and lets a policy ask whether one more answer would be worth
its price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from penstock.belief import Answered, Observation, observed, said_of
from penstock.codec import SHARED, take
from penstock.core.agreement import NONE, AgreementParams, Evidence, next_call, posterior
from penstock.estimators.comparison.comparison import READS_THE_TABLE, Comparison
from penstock.estimators.ex_ante.linear import logit
from penstock.estimators.post_hoc.base import Before, FittedPostHoc
from penstock.estimators.post_hoc.logistic import PostHocLogistic
from penstock.estimators.recorded import RecordedAnswers
from penstock.registry import register
from penstock.state import State
from penstock.types import Answer, BoolArray, FloatArray, IntArray, Status

_MOST = 4.0
EXTRACTED = (
    "answers are compared as the table's scorer extracted them, which says more than their text; a gateway "
    "sees text alone, so let candidates state their answers as a scorer reads them"
)


def log_ratios(
    ex_ante: FloatArray, post_hoc: FloatArray, answered: BoolArray, weight: FloatArray | float = 1.0
) -> FloatArray:
    """Log-likelihood ratios of right against wrong that answers' own features add to ``ex_ante``, times
    ``weight``; -inf where a candidate did not answer: that is worth nothing."""
    moved = np.clip(logit(post_hoc) - logit(ex_ante), -_MOST, _MOST)
    return np.where(answered, weight * moved, -np.inf)


@dataclass(frozen=True)
class AgreementLookahead:
    """``state.LookaheadModel`` of n queries. ``ex_ante`` (n, k) is what own answers are judged from."""

    params: AgreementParams = field(metadata=SHARED)
    evidence: Evidence
    ex_ante: FloatArray

    def posterior(self, executed: BoolArray) -> FloatArray:
        """(n, k) expected quality of every candidate once ``executed`` (n, k) have answered."""
        return posterior(self.params, self.evidence, executed)

    def next_call(
        self, executed: BoolArray, open_: BoolArray, price: FloatArray, *, first: int, then: int
    ) -> IntArray:
        """(n,) whom to call next, -1 to stop; see ``core.agreement.next_call``."""
        return next_call(self.params, self.evidence, executed, open_, price, first=first, then=then)


@register("fitted_post_hoc", "agreement")
@dataclass(frozen=True)
class AgreementModel(FittedPostHoc):
    """Fitted: the ``params`` of k candidates, the ``slope`` (k,) of ex-ante logits in them, the
    ``comparison`` of answers, and what an answer's ``own`` features say, at ``feature_weight``; None:
    nothing."""

    params: AgreementParams
    slope: FloatArray
    comparison: Comparison
    feature_weight: float = 1.0
    own: PostHocLogistic | None = None

    @property
    def blocking(self) -> bool:
        """Whether answers are compared by an embedder."""
        return self.comparison.blocking

    @property
    def notes(self) -> tuple[str, ...]:
        """That a gateway cannot compare answers as well as the table does, where that is so."""
        return (EXTRACTED,) if self.comparison.form in READS_THE_TABLE else ()

    def believe(self, before: Before, answers: RecordedAnswers | None = None) -> AgreementBelief:
        if answers is None:
            return self._live(before)
        after = before.quality if self.own is None else self.own.recorded(before, answers)
        which = np.zeros(len(before.quality), dtype=np.int64)
        return recorded_belief([self], which, before, after, answers)

    def _live(self, before: Before) -> AgreementBelief:
        """Nothing has answered; what comes is written where a table's answers would stand."""
        shape = before.quality.shape
        evidence = Evidence(
            self.slope * logit(before.quality),
            np.full(shape, NONE),
            np.zeros(shape),
            np.zeros(shape[0], dtype=np.int64),
        )
        lookahead = AgreementLookahead(self.params, evidence, before.quality)
        return AgreementBelief(lookahead, before.cost, before.draw, model=self)

    def log_ratio(self, ex_ante: float, answer: Answer, column: int) -> float:
        """Of one live answer."""
        before = np.array([ex_ante])
        after = before if self.own is None else self.own.estimate(before, [answer], np.array([column]))
        answered = np.array([answer.status is Status.ANSWERED])
        return float(log_ratios(before, after, answered, self.feature_weight)[0])


@dataclass(frozen=True)
class AgreementBelief:
    """An answer moves everybody's estimate: the posterior of whoever has answered. Cells of the
    ``lookahead``'s evidence are looked at only once their candidate has been called; those of live answers
    are written there by ``model`` as they come."""

    lookahead: AgreementLookahead
    cost: FloatArray
    draw: FloatArray
    refused: BoolArray | None = None
    confidence: FloatArray | None = None
    model: AgreementModel | None = field(default=None, metadata=SHARED, repr=False, compare=False)
    heard: dict[tuple[int, int], Answer] = field(
        default_factory=dict, metadata=SHARED, repr=False, compare=False
    )

    def begin(self, eligible: BoolArray | None = None) -> State:
        """Nobody has answered."""
        quality = self._at_first.copy()
        return State.new(quality, self.cost, self.draw, eligible=eligible, lookahead_model=self.lookahead)

    @cached_property
    def _at_first(self) -> FloatArray:
        """(n, k): a tuning begins thousands of times."""
        return self.lookahead.posterior(np.zeros(self.cost.shape, dtype=bool))

    def observe(self, state: State, seen: Observation) -> State:
        """Everybody's estimate on those rows becomes the posterior of the new executed set, in place."""
        state = observed(state, seen)
        if isinstance(seen, Answered):
            if seen.answers is not None:
                self._hear(seen, seen.answers)
            at = seen.rows, seen.columns
            state.refused[at], state.confidence[at] = said_of(seen, self.refused, self.confidence)
            rows = seen.rows
            state.quality[rows] = take(self.lookahead, rows).posterior(state.executed[rows])
        return state

    def _hear(self, seen: Answered, answers: Sequence[Answer]) -> None:
        assert self.model is not None
        evidence = self.lookahead.evidence
        for row, column, answer in zip(seen.rows.tolist(), seen.columns.tolist(), answers, strict=True):
            self.heard[row, column] = answer
            ex_ante = float(self.lookahead.ex_ante[row, column])
            evidence.log_ratio[row, column] = self.model.log_ratio(ex_ante, answer, column)
            # in the order of a table: by meaning the order can matter
            columns = sorted(j for i, j in self.heard if i == row)
            evidence.code[row, columns] = self.model.comparison.group([self.heard[row, j] for j in columns])


def recorded_belief(
    models: Sequence[AgreementModel],
    which: IntArray,
    before: Before,
    post_hoc: FloatArray,
    answers: RecordedAnswers,
) -> AgreementBelief:
    """About n recorded queries, ``models[which[i]]`` speaking of query i; ``post_hoc`` (n, k): what each
    answer's own features say."""
    parts = [model.params for model in models]
    params = AgreementParams(
        np.concatenate([p.level for p in parts]),
        np.concatenate([p.weight for p in parts]),
        np.concatenate([p.wrong for p in parts]),
        np.concatenate([p.right for p in parts]),
    )
    slope = np.stack([model.slope for model in models])[which]
    weight = np.array([model.feature_weight for model in models])[which, None]
    log_ratio = log_ratios(before.quality, post_hoc, answers.answered, weight)
    evidence = Evidence(slope * logit(before.quality), answers.codes(models[0].comparison), log_ratio, which)
    lookahead = AgreementLookahead(params, evidence, before.quality)
    return AgreementBelief(
        lookahead, before.cost, before.draw, ~answers.answered, answers.confidence, replace(models[0])
    )
