"""One estimator, fitted and cross-fitted, with every policy swept on its out-of-fold beliefs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from penstock.core.threads import each
from penstock.estimators.agreement.fit import fit_consensus
from penstock.estimators.agreement.model import Consensus, several
from penstock.estimators.base import Estimator, weighted_means
from penstock.estimators.crossfit import crossfit
from penstock.estimators.ex_ante.ensemble import ENSEMBLE, FittedEnsemble
from penstock.estimators.ex_ante.ensemble import mean_of as average
from penstock.estimators.shrinkage import Shrinkage, fit_shrinkage
from penstock.fitting.fit_post_hoc import fit_post_hoc
from penstock.fitting.search_spaces import LOOKAHEAD, ROUTING, family, lookahead
from penstock.fitting.settings import FitSettings
from penstock.fitting.sweep import Swept, mean_of, sweep
from penstock.fitting.training_data import FittingRows
from penstock.router.belief_model import BeliefModel
from penstock.router.replay import Beliefs
from penstock.router.set_beliefs import ConsensusBeliefs
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
    """What one estimator makes of the fitting rows before any answer: its ``model`` of all of them, and
    out-of-fold estimates ``ex_ante`` (n, k)."""

    name: str
    model: BeliefModel
    ex_ante: FloatArray
    seconds: float


@dataclass(frozen=True)
class Looked:
    """What one estimator makes of them once answers are seen: its ``model`` with a post-hoc estimator, and
    for each of the rows' showings out-of-fold estimates ``post_hoc`` (n, k) after every answer, those of the
    tuning rows as ``beliefs``."""

    before: Believed
    model: BeliefModel
    post_hoc: tuple[FloatArray, ...]
    beliefs: tuple[Beliefs, ...]
    seconds: float

    @property
    def name(self) -> str:
        """The estimator's."""
        return self.before.name


def draft_routing(known: Believed, rows: FittingRows, settings: FitSettings) -> list[Draft]:
    """A draft of routing, where ``settings`` ask for it. It never looks at an answer."""
    if ROUTING not in settings.policies:
        return []
    started = perf_counter()
    beliefs = rows.beliefs(known.ex_ante, known.ex_ante)
    policies = family(ROUTING)(beliefs, rows.tuned_quality.mean(axis=0), rows.tuned_cost.mean(axis=0))
    swept = sweep(policies, beliefs, rows.tuned_quality, rows.tuned_cost, rows.best)
    seconds = {"fit": known.seconds, "tune": perf_counter() - started}
    return [Draft(f"{ROUTING}/{known.name}", known.model, swept, seconds)]


def draft_sequential(looked: Looked, rows: FittingRows, settings: FitSettings) -> list[Draft]:
    """A draft for every policy of ``settings`` that looks at answers and has something to try."""
    own = [name for name in settings.policies if name not in {ROUTING, LOOKAHEAD}]
    drafts = [d for name in own for d in _draft(name, looked, rows)]
    return drafts + draft_lookahead(looked, rows, settings)


def _draft(name: str, looked: Looked, rows: FittingRows) -> list[Draft]:
    started = perf_counter()
    quality, cost = rows.tuned_quality, rows.tuned_cost
    policies = family(name)(looked.beliefs[0], quality.mean(axis=0), cost.mean(axis=0))
    if not policies:
        return []
    seen = zip(rows.showings, looked.beliefs, strict=True)
    swept = mean_of([sweep(policies, beliefs, r.tuned_shown, cost, r.best) for r, beliefs in seen])
    seconds = {"fit": looked.seconds, "tune": perf_counter() - started}
    return [Draft(f"{name}/{looked.name}", looked.model, swept, seconds)]


def draft_lookahead(looked: Looked, rows: FittingRows, settings: FitSettings) -> list[Draft]:
    """A draft of looking ahead at who will agree with whom; none where answers cannot be compared.

    The law of answers is cross-fitted over the same folds as the estimates it starts from.
    """
    if rows.code is None or LOOKAHEAD not in settings.policies:
        return []
    started = perf_counter()
    numbers, which = np.unique(rows.fold, return_inverse=True)
    ex_ante = looked.before.ex_ante
    parts = [np.ones(len(rows.fold), dtype=bool), *(rows.fold != f for f in numbers.tolist())]
    threads = settings.workers
    law, *models = each(lambda part: _law(looked, rows, settings, part), parts, threads=threads)
    model = replace(looked.model, consensus=law)
    spent, started = looked.seconds + perf_counter() - started, perf_counter()
    policies = lookahead(looked.beliefs[0])
    swept = []
    for showing, post_hoc in zip(rows.showings, looked.post_hoc, strict=True):
        assert showing.code is not None
        outlook = several(models, which, ex_ante, post_hoc, showing.code, showing.answered)
        beliefs = ConsensusBeliefs(
            outlook.rows(rows.tuning), rows.expected_cost[rows.tuning], rows.draw[rows.tuning]
        )
        quality = showing.tuned_shown
        swept.append(sweep(policies, beliefs, quality, rows.tuned_cost, rows.best, threads=threads))
    seconds = {"fit": spent, "tune": perf_counter() - started}
    return [Draft(f"{LOOKAHEAD}/{looked.name}", model, mean_of(swept), seconds)]


def _law(looked: Looked, rows: FittingRows, settings: FitSettings, part: BoolArray) -> Consensus:
    """The law of answers from some of the rows, every showing of them."""
    showings = rows.showings
    times = len(showings)
    assert rows.comparison is not None
    return fit_consensus(
        np.tile(looked.before.ex_ante[part], (times, 1)),
        np.concatenate([r.code[part] for r in showings if r.code is not None]),
        np.concatenate([r.shown[part] for r in showings]),
        np.tile(rows.weight[part] > 0, (times, 1)),
        comparison=rows.comparison,
        seed=settings.seed,
        post_hoc=np.concatenate([p[part] for p in looked.post_hoc]),
        answered=np.concatenate([r.answered[part] for r in showings]),
    )


def believe(kind: Estimator, rows: FittingRows, settings: FitSettings) -> Believed:
    """Fit one estimator on all rows, and cross-fit it."""
    started = perf_counter()
    seed, threads = settings.seed, settings.workers
    raw = crossfit(kind, rows.inputs, rows.quality, rows.weight, rows.fold, seed=seed, threads=threads)
    means = weighted_means(rows.quality, rows.weight)
    shrinkage = fit_shrinkage(raw, rows.quality, rows.weight, means)
    ex_ante = np.clip(shrinkage.apply(raw), 0.0, 1.0)
    fitted = kind.fit(rows.inputs, rows.quality, rows.weight, seed=seed)
    model = BeliefModel(rows.encoder, fitted, shrinkage, rows.cost_model, None)
    return Believed(kind.name, model, ex_ante, perf_counter() - started + rows.seconds)


def ensemble(known: Sequence[Believed], rows: FittingRows) -> Believed:
    """The mean of what several estimators make of the same rows."""
    fitted = FittedEnsemble(
        tuple(each.model.fitted for each in known), tuple(each.model.shrinkage for each in known)
    )
    # every member was shrunk by itself: their mean is not shrunk again
    whole = Shrinkage(weighted_means(rows.quality, rows.weight), 1.0, 1.0)
    model = BeliefModel(rows.encoder, fitted, whole, rows.cost_model, None)
    ex_ante = average([each.ex_ante for each in known])
    # reading the rows is in everybody's time, and was done once
    seconds = rows.seconds + sum(each.seconds - rows.seconds for each in known)
    return Believed(ENSEMBLE, model, ex_ante, seconds)


def look_at_answers(known: Believed, rows: FittingRows, seed: int) -> Looked:
    """Fit and cross-fit what answers add to an estimator's estimates."""
    started = perf_counter()
    post_hoc, own = fit_post_hoc(known.ex_ante, rows, seed)
    model = replace(known.model, post_hoc=own)
    seen = zip(rows.showings, post_hoc, strict=True)
    beliefs = tuple(r.beliefs(known.ex_ante, after, model.spread(known.ex_ante)) for r, after in seen)
    return Looked(known, model, post_hoc, beliefs, known.seconds + perf_counter() - started)
