"""One estimator, fitted and cross-fitted, with every policy swept on its out-of-fold beliefs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from penstock.belief import GoesBy
from penstock.codec import take
from penstock.core.means import weighted_means
from penstock.estimators.base import Estimator
from penstock.estimators.crossfit import crossfit
from penstock.estimators.ex_ante.ensemble import ENSEMBLE, FittedEnsemble
from penstock.estimators.ex_ante.ensemble import mean_of as average
from penstock.estimators.post_hoc.base import CrossfitPostHoc
from penstock.estimators.shrinkage import Shrinkage, fit_shrinkage
from penstock.fitting.settings import POST_HOC, FitSettings
from penstock.fitting.sweep import Sweep, evidence_of, mean_of, sweep
from penstock.fitting.training_data import TrainingData
from penstock.router.belief_model import BeliefModel
from penstock.types import FloatArray


@dataclass(frozen=True)
class CandidateSweep:
    """One policy with one estimator, swept and not yet guarded."""

    name: str
    goes_by: GoesBy
    model: BeliefModel
    sweep: Sweep
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class ExAnteFit:
    """What one estimator makes of the fitting rows before any answer: its ``model`` of all of them, and
    out-of-fold estimates ``ex_ante`` (n, k)."""

    name: str
    model: BeliefModel
    ex_ante: FloatArray
    seconds: float


@dataclass(frozen=True)
class PostHocFit:
    """What an estimate after the call makes of them: the ``model`` with it, and out-of-fold beliefs about
    tuning rows."""

    name: str
    goes_by: GoesBy
    before: ExAnteFit
    model: BeliefModel
    crossfit: CrossfitPostHoc
    seconds: float

    @property
    def label(self) -> str:
        """The estimator's name, and of an estimate after the call that is not the usual one its name too."""
        return self.before.name if self.name in POST_HOC else f"{self.before.name}+{self.name}"


def fit_ex_ante(kind: Estimator, data: TrainingData, settings: FitSettings) -> ExAnteFit:
    """Fit one estimator on all rows, and cross-fit it."""
    started = perf_counter()
    seed, threads = settings.seed, settings.workers
    raw = crossfit(kind, data.inputs, data.quality, data.weight, data.fold, seed=seed, threads=threads)
    means = weighted_means(data.quality, data.weight)
    shrinkage = fit_shrinkage(raw, data.quality, data.weight, means)
    ex_ante = np.clip(shrinkage.apply(raw), 0.0, 1.0)
    fitted = kind.fit(data.inputs, data.quality, data.weight, seed=seed)
    model = BeliefModel(data.encoder, fitted, shrinkage, data.cost_model)
    return ExAnteFit(kind.name, model, ex_ante, perf_counter() - started + data.seconds)


def ensemble(known: Sequence[ExAnteFit], data: TrainingData) -> ExAnteFit:
    """The mean of what several estimators make of the same rows."""
    fitted = FittedEnsemble(
        tuple(item.model.fitted for item in known), tuple(item.model.shrinkage for item in known)
    )
    # every member was shrunk by itself: their mean is not shrunk again
    whole = Shrinkage(weighted_means(data.quality, data.weight), 1.0, 1.0)
    model = BeliefModel(data.encoder, fitted, whole, data.cost_model)
    ex_ante = average([item.ex_ante for item in known])
    # reading the rows is in everybody's time, and was done once
    seconds = data.seconds + sum(item.seconds - data.seconds for item in known)
    return ExAnteFit(ENSEMBLE, model, ex_ante, seconds)


def fit_post_hoc(known: ExAnteFit, data: TrainingData, settings: FitSettings) -> list[PostHocFit]:
    """Every estimate after the call that a policy is to be tuned on, fitted and cross-fitted on top of one
    estimator; those to which answers show nothing are left out."""
    material, earlier = data.post_hoc(known.ex_ante), dict[str, CrossfitPostHoc]()
    found, spent = list[PostHocFit](), known.seconds
    for name, estimator in settings.post_hoc_estimators():
        started = perf_counter()
        done = estimator.crossfit(material, earlier, seed=settings.seed, threads=settings.workers)
        spent += perf_counter() - started
        if done is not None:
            earlier[name] = done
            model = replace(known.model, post_hoc=done.fitted)
            found.append(PostHocFit(name, estimator.goes_by, known, model, done, spent))
    return found


def sweep_unmoved(known: ExAnteFit, data: TrainingData, settings: FitSettings) -> list[CandidateSweep]:
    """A sweep of every policy that never looks at an answer."""
    found = []
    for name in settings.policies_by(GoesBy.NOTHING):
        started = perf_counter()
        beliefs = data.unmoved(known.ex_ante)
        before = take(data.before(known.ex_ante), data.tuning)
        evidence = evidence_of(before, beliefs, data.tuned_quality, data.tuned_cost)
        policies = settings.policy(name).search_space(evidence)
        if not policies:
            continue
        done = sweep(policies, beliefs, data.tuned_quality, data.tuned_cost, data.best)
        seconds = {"fit": known.seconds, "tune": perf_counter() - started}
        found.append(CandidateSweep(f"{name}/{known.name}", GoesBy.NOTHING, known.model, done, seconds))
    return found


def sweep_moved(moved: PostHocFit, data: TrainingData, settings: FitSettings) -> list[CandidateSweep]:
    """A sweep of every policy that goes by what these beliefs go by and has something to try."""
    before = take(data.before(moved.before.ex_ante), data.tuning)
    quality, cost = data.tuned_quality, data.tuned_cost
    evidence = evidence_of(before, moved.crossfit.beliefs[0], quality, cost)
    threads = settings.workers if moved.goes_by is GoesBy.AGREEMENT else 1
    found = []
    for name in settings.policies_by(moved.goes_by):
        started = perf_counter()
        policies = settings.policy(name).search_space(evidence)
        if not policies:
            continue
        done = mean_of(
            [
                sweep(policies, beliefs, data.tuned_drawn(draw), cost, data.best, threads=threads)
                for draw, beliefs in enumerate(moved.crossfit.beliefs)
            ]
        )
        seconds = {"fit": moved.seconds, "tune": perf_counter() - started}
        found.append(CandidateSweep(f"{name}/{moved.label}", moved.goes_by, moved.model, done, seconds))
    return found
