"""One estimator, fitted and cross-fitted, with every policy swept on its out-of-fold beliefs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from penstock.estimators.base import Estimator, weighted_means
from penstock.estimators.belief import BeliefModel
from penstock.estimators.crossfit import crossfit
from penstock.estimators.post_hoc.own_answer import (
    OwnAnswer,
    crossfit_own_answer,
    fit_own_answer,
    look,
)
from penstock.estimators.shrinkage import fit_shrinkage
from penstock.fitting.families import family
from penstock.fitting.rows import FittingRows
from penstock.fitting.settings import FitSettings
from penstock.fitting.tune import Swept, sweep
from penstock.replay import Beliefs
from penstock.types import FloatArray


@dataclass(frozen=True)
class Draft:
    """One policy with one estimator, swept and not yet guarded."""

    name: str
    belief: BeliefModel
    swept: Swept
    seconds: Mapping[str, float]


def draft(kind: Estimator, rows: FittingRows, settings: FitSettings) -> list[Draft]:
    """A draft for every policy of ``settings`` that has something to try."""
    started = perf_counter()
    belief, beliefs = believe(kind, rows, settings)
    spent = perf_counter() - started + rows.seconds
    quality, cost = rows.tuned_quality, rows.tuned_cost
    drafts = []
    for name in settings.policies:
        started = perf_counter()
        policies = family(name)(beliefs, quality.mean(axis=0), cost.mean(axis=0))
        if not policies:
            continue
        swept = sweep(policies, beliefs, quality, cost, rows.best)
        # routing never looks at an answer, so a router that only routes carries no post-hoc estimator
        used = replace(belief, post_hoc=None) if name == "routing" else belief
        seconds = {"fit": spent, "tune": perf_counter() - started}
        drafts.append(Draft(f"{name}/{kind.name}", used, swept, seconds))
    return drafts


def believe(kind: Estimator, rows: FittingRows, settings: FitSettings) -> tuple[BeliefModel, Beliefs]:
    """The belief model of all rows, and the out-of-fold beliefs policies are tuned with."""
    seed = settings.seed
    raw = crossfit(kind, rows.inputs, rows.quality, rows.weight, rows.fold, seed=seed)
    means = weighted_means(rows.quality, rows.weight)
    shrinkage = fit_shrinkage(raw, rows.quality, rows.weight, means)
    ex_ante = np.clip(shrinkage.apply(raw), 0.0, 1.0)
    post_hoc, model = _post_hoc(ex_ante, rows, seed)
    fitted = kind.fit(rows.inputs, rows.quality, rows.weight, seed=seed)
    belief = BeliefModel(rows.encoder, fitted, shrinkage, rows.cost_model, model)
    return belief, rows.beliefs(ex_ante, post_hoc, belief.spread(ex_ante))


def _post_hoc(ex_ante: FloatArray, rows: FittingRows, seed: int) -> tuple[FloatArray, OwnAnswer | None]:
    if rows.seen is None:
        return ex_ante, None
    quality = np.nan_to_num(rows.quality)
    estimates = crossfit_own_answer(ex_ante, rows.seen, quality, rows.weight, rows.fold, seed=seed)
    model = fit_own_answer(ex_ante, rows.seen, quality, rows.weight, seed=seed)
    return estimates, replace(model, look=look(ex_ante, estimates, rows.weight))
