"""Stacking: members weighted by how well they do on rows they have not seen.

Members are cross-fitted inside the fitting rows, whole blocks held out. What they say is split into what all
candidates share on a query and what they do not, and each part has one non-negative weight per member, pooled
over candidates: few enough numbers that small tables cannot be overfitted, and neighbours may be trusted on
how hard a query is without being trusted on who does best. Weights are shrunk towards equal ones (Breiman
1996, "Stacked regressions"). Last, what one candidate's estimate says of another's quality
(``candidate_map``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.candidate_map import candidate_map
from penstock.core.means import weighted_means
from penstock.errors import InputError
from penstock.estimators.base import Estimator, Fitted
from penstock.estimators.crossfit import crossfit
from penstock.estimators.ex_ante.clusters import Clusters
from penstock.estimators.ex_ante.factorisation import Factorisation
from penstock.estimators.ex_ante.kernel import Kernel
from penstock.estimators.ex_ante.neighbours import NearestNeighbours
from penstock.estimators.features import Inputs
from penstock.estimators.shrinkage import parts
from penstock.registry import register
from penstock.types import BoolArray, FloatArray

_STEPS = 500


@register("estimator", "stack")
@dataclass(frozen=True)
class Stack:
    """Members weighted by how they do on rows they have not seen.

    ``folds`` inside the fitting rows; ``shrink``: the weight of equal weights, as a share of the members'
    mean squared departure from the mean.
    """

    members: tuple[Estimator, ...] = (NearestNeighbours(), Clusters(), Kernel(), Factorisation())
    folds: int = 3
    shrink: float = 0.1

    def __post_init__(self) -> None:
        if not self.members or self.folds < 2:
            raise InputError("stacking needs at least one member and two folds", field="stack")

    @property
    def name(self) -> str:
        return "stack"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        means, seen = weighted_means(quality, weight), weight.sum(axis=0) > 0
        members = tuple(m.fit(inputs, quality, weight, seed=seed) for m in self.members)
        fold = inputs.fold(self.folds, seed)
        if len(np.unique(fold)) < 2:
            equal = np.full((2, len(members)), 1.0 / len(members))
            return FittedStack(members, means, seen, equal, np.eye(int(seen.sum())))
        held = [crossfit(m, inputs, quality, weight, fold, seed=seed)[:, seen] for m in self.members]
        known, cells, about = quality[:, seen], weight[:, seen], means[seen]
        weights = stacking_weights(held, known, cells, about, self.shrink)
        residual = np.where(cells > 0, np.nan_to_num(known) - about, 0.0)
        across = candidate_map(_combined(held, about, weights), residual, cells)
        return FittedStack(members, means, seen, weights, across)


@register("fitted_estimator", "stack")
@dataclass(frozen=True)
class FittedStack(Fitted):
    """Fitted ``members``, the candidates' ``means`` (k,), which s of them were ``seen`` (k,) at all,
    ``weights`` (2, members): of what candidates share, and of what they do not; and ``across`` (s, s), what
    one candidate's estimate says of another's."""

    members: tuple[Fitted, ...]
    means: FloatArray
    seen: BoolArray
    weights: FloatArray
    across: FloatArray

    def predict(self, inputs: Inputs) -> FloatArray:
        about = self.means[self.seen]
        said = [member.predict(inputs)[:, self.seen] for member in self.members]
        predicted: FloatArray = np.repeat(self.means[None, :], len(inputs), axis=0)
        predicted[:, self.seen] += _combined(said, about, self.weights) @ self.across
        return predicted


def _combined(said: list[FloatArray], means: FloatArray, weights: FloatArray) -> FloatArray:
    """(n, s) the members' weighted deviations from the means."""
    total = np.zeros_like(said[0])
    for raw, shared_weight, contrast_weight in zip(said, *weights, strict=True):
        shared, contrast = parts(raw, means)
        total += shared_weight * shared + contrast_weight * contrast
    return total


def stacking_weights(
    held: list[FloatArray], quality: FloatArray, weight: FloatArray, means: FloatArray, shrink: float
) -> FloatArray:
    """(2, m) least-squares weights >= 0 of m members' out-of-fold predictions (n, k), pooled over candidates.

    Both parts are fitted at once, since with missing cells they are not orthogonal. Pulled towards equal
    weights by ``shrink`` times the members' mean squared departure from the mean.
    """
    target = np.where(weight > 0, np.nan_to_num(quality) - means, 0.0)
    split = [parts(predicted, means) for predicted in held]
    columns = [np.broadcast_to(shared, target.shape) for shared, _ in split] + [c for _, c in split]
    weighted = [weight * column for column in columns]
    gram = np.array([[float((a * b).sum()) for b in columns] for a in weighted])
    moment = np.array([float((a * target).sum()) for a in weighted])
    m = len(held)
    pull = np.repeat([shrink * gram.diagonal()[:m].mean(), shrink * gram.diagonal()[m:].mean()], m)
    solved = _non_negative(gram + np.diag(pull), moment + pull / m, np.full(2 * m, 1.0 / m))
    return solved.reshape(2, m)


def _non_negative(gram: FloatArray, moment: FloatArray, start: FloatArray) -> FloatArray:
    """The minimiser >= 0 of w'Gw / 2 - m'w by coordinate descent; a coordinate that says nothing stays."""
    found = start.copy()
    scale = gram.diagonal()
    floor = 1e-12 * max(float(scale.max(initial=0.0)), 1e-300)
    for _ in range(_STEPS):
        before = found.copy()
        for j in np.flatnonzero(scale > floor).tolist():
            found[j] = max(0.0, found[j] + (moment[j] - gram[j] @ found) / scale[j])
        if float(np.abs(found - before).max()) < 1e-9:
            break
    return found
