"""One estimator, fitted and cross-fitted, with every policy swept on its out-of-fold beliefs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from penstock.estimators.base import Estimator, weighted_means
from penstock.estimators.belief import BeliefModel
from penstock.estimators.consensus.fit import fit_consensus
from penstock.estimators.consensus.model import Consensus, several
from penstock.estimators.crossfit import crossfit
from penstock.estimators.post_hoc.own_answer import (
    OwnAnswer,
    crossfit_own_answer,
    fit_own_answer,
    look,
)
from penstock.estimators.shrinkage import fit_shrinkage
from penstock.fitting.families import LOOKAHEAD, ROUTING, family, lookahead
from penstock.fitting.rows import FittingRows
from penstock.fitting.settings import FitSettings
from penstock.fitting.tune import Swept, sweep
from penstock.replay import Beliefs
from penstock.replay_sources import ConsensusBeliefs
from penstock.types import BoolArray, FloatArray


@dataclass(frozen=True)
class Draft:
    """One policy with one estimator, swept and not yet guarded."""

    name: str
    belief: BeliefModel
    swept: Swept
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Believed:
    """What one estimator makes of the fitting rows: its ``model`` of all of them, out-of-fold estimates
    before (``ex_ante``) and after (``post_hoc``) every answer, both (n, k), and those of the tuning rows
    as ``beliefs``."""

    name: str
    model: BeliefModel
    ex_ante: FloatArray
    post_hoc: FloatArray
    beliefs: Beliefs
    seconds: float


def draft_routing(known: Believed, rows: FittingRows, settings: FitSettings) -> list[Draft]:
    """A draft of routing, where ``settings`` ask for it."""
    return [d for name in settings.policies if name == ROUTING for d in _draft(name, known, rows)]


def draft_sequential(known: Believed, rows: FittingRows, settings: FitSettings) -> list[Draft]:
    """A draft for every policy of ``settings`` that looks at answers and has something to try."""
    own = [name for name in settings.policies if name not in {ROUTING, LOOKAHEAD}]
    drafts = [d for name in own for d in _draft(name, known, rows)]
    return drafts + draft_lookahead(known, rows, settings)


def _draft(name: str, known: Believed, rows: FittingRows) -> list[Draft]:
    started = perf_counter()
    quality, cost = rows.tuned_quality, rows.tuned_cost
    policies = family(name)(known.beliefs, quality.mean(axis=0), cost.mean(axis=0))
    if not policies:
        return []
    got = quality if name == ROUTING else rows.tuned_shown
    swept = sweep(policies, known.beliefs, got, cost, rows.best)
    # routing never looks at an answer, so a router that only routes carries no post-hoc estimator
    used = replace(known.model, post_hoc=None) if name == ROUTING else known.model
    seconds = {"fit": known.seconds, "tune": perf_counter() - started}
    return [Draft(f"{name}/{known.name}", used, swept, seconds)]


def draft_lookahead(known: Believed, rows: FittingRows, settings: FitSettings) -> list[Draft]:
    """A draft of looking ahead at who will agree with whom; none where answers cannot be compared.

    The law of answers is cross-fitted over the same folds as the estimates it starts from.
    """
    if rows.code is None or LOOKAHEAD not in settings.policies:
        return []
    started = perf_counter()
    observed = rows.weight > 0

    def fit(part: BoolArray) -> Consensus:
        assert rows.code is not None
        return fit_consensus(
            known.ex_ante[part],
            rows.code[part],
            rows.shown[part],
            observed[part],
            form=rows.form,
            seed=settings.seed,
            post_hoc=known.post_hoc[part],
            answered=rows.answered[part],
        )

    numbers, which = np.unique(rows.fold, return_inverse=True)
    models = [fit(rows.fold != f) for f in numbers.tolist()]
    outlook = several(models, which, known.ex_ante, known.post_hoc, rows.code, rows.answered)
    beliefs = ConsensusBeliefs(
        outlook.rows(rows.tuning), rows.expected_cost[rows.tuning], rows.draw[rows.tuning]
    )
    model = replace(known.model, consensus=fit(np.ones(len(rows.fold), dtype=bool)))
    spent, started = known.seconds + perf_counter() - started, perf_counter()
    swept = sweep(lookahead(known.beliefs), beliefs, rows.tuned_shown, rows.tuned_cost, rows.best)
    seconds = {"fit": spent, "tune": perf_counter() - started}
    return [Draft(f"{LOOKAHEAD}/{known.name}", model, swept, seconds)]


def believe(kind: Estimator, rows: FittingRows, settings: FitSettings) -> Believed:
    """Fit one estimator on all rows, and cross-fit it."""
    started = perf_counter()
    seed = settings.seed
    raw = crossfit(kind, rows.inputs, rows.quality, rows.weight, rows.fold, seed=seed)
    means = weighted_means(rows.quality, rows.weight)
    shrinkage = fit_shrinkage(raw, rows.quality, rows.weight, means)
    ex_ante = np.clip(shrinkage.apply(raw), 0.0, 1.0)
    post_hoc, model = _post_hoc(ex_ante, rows, seed)
    fitted = kind.fit(rows.inputs, rows.quality, rows.weight, seed=seed)
    belief = BeliefModel(rows.encoder, fitted, shrinkage, rows.cost_model, model)
    beliefs = rows.beliefs(ex_ante, post_hoc, belief.spread(ex_ante))
    return Believed(kind.name, belief, ex_ante, post_hoc, beliefs, perf_counter() - started + rows.seconds)


def _post_hoc(ex_ante: FloatArray, rows: FittingRows, seed: int) -> tuple[FloatArray, OwnAnswer | None]:
    if rows.seen is None:
        return ex_ante, None
    quality = np.nan_to_num(rows.shown)
    estimates = crossfit_own_answer(ex_ante, rows.seen, quality, rows.weight, rows.fold, seed=seed)
    model = fit_own_answer(ex_ante, rows.seen, quality, rows.weight, seed=seed)
    return estimates, replace(model, look=look(ex_ante, estimates, rows.weight))
