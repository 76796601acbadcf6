"""Candidates and queries as vectors: ``logit P(candidate j answers query i) = ability_j + loading_j .
position_i``.

The query's position is linear in its features, so that queries never seen have one too. Matrix factorisation
as RouteLLM's (Ong et al. 2024, arXiv 2406.18665), fitted by weighted likelihood; missing cells have no say.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from penstock.codec import SHARED, take
from penstock.core.factors import Residuals
from penstock.core.means import weighted_means
from penstock.errors import MissingExtra
from penstock.estimators.base import Fitted
from penstock.estimators.ex_ante.linear import sigmoid
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import FloatArray, IntArray

PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
CONTRAST = (1.0, 4.0)
"""How much stronger positions beyond the first dimension are penalised."""
_CHOOSE_ON = 2_000
_STEPS = 60
_STEPS_TO_CHOOSE = 20


@register("estimator", "mf")
@dataclass(frozen=True)
class Factorisation:
    """A vector for every candidate and a position for every query.

    ``dimensions`` of both (at most the number of candidates); ``loading_penalty`` holds the
    candidates' vectors to the principal directions of their qualities.
    """

    dimensions: int = 8
    loading_penalty: float = 30.0
    penalties: tuple[float, ...] = PENALTIES

    @property
    def name(self) -> str:
        return "mf"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        x, known = inputs.dense, np.nan_to_num(np.where(weight > 0, quality, 0.0))
        centre = x.mean(axis=0)
        about = _loadings(quality, weight, self.dimensions)
        ones = np.ones(about.shape[1])
        problem = _Problem(x - centre, known, weight, about, ones, self.loading_penalty)
        sample = np.random.default_rng(seed).permutation(len(x))[:_CHOOSE_ON]
        flat = _with_chosen_penalties(problem, sample, self.penalties).solve(_start(problem))
        ability, loading, project = problem.split(flat)
        return FittedFactorisation(ability - loading @ (centre @ project), loading, project)


@register("fitted_estimator", "latent")
@dataclass(frozen=True)
class FittedFactorisation(Fitted):
    """``ability`` (k,) and ``loading`` (k, f) of candidates; ``project`` (d, f) gives a query's position."""

    ability: FloatArray
    loading: FloatArray
    project: FloatArray

    def predict(self, inputs: Inputs) -> FloatArray:
        return sigmoid(inputs.dense @ self.project @ self.loading.T + self.ability)


@dataclass(frozen=True)
class _Problem:
    """Penalised likelihood of centred ``x`` (n, d); ``about`` (k, f) is what loadings are held to."""

    x: FloatArray
    quality: FloatArray
    weight: FloatArray
    about: FloatArray = field(metadata=SHARED)
    penalty: FloatArray = field(metadata=SHARED)
    loading_penalty: float

    def solve(self, start: FloatArray, steps: int = _STEPS) -> FloatArray:
        """From ``start``, by at most so many quasi-Newton steps."""
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise MissingExtra("fit", "fitting candidates' and queries' vectors") from error
        options = {"maxiter": steps, "ftol": 1e-7}
        found = minimize(self.value, start, jac=True, method="L-BFGS-B", options=options)
        return np.asarray(found.x, dtype=np.float64)

    def split(self, flat: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Ability (k,), loading (k, f), project (d, f)."""
        k, f = self.about.shape
        return flat[:k], flat[k : k + k * f].reshape(k, f), flat[k + k * f :].reshape(-1, f)

    def loss(self, flat: FloatArray) -> float:
        """The negative log-likelihood alone."""
        ability, loading, project = self.split(flat)
        return self._loss(self.x @ project @ loading.T + ability)

    def _loss(self, logit: FloatArray) -> float:
        # log(1 + exp(x)) - q x, without overflow
        loss = np.maximum(logit, 0.0) + np.log1p(np.exp(-np.abs(logit))) - self.quality * logit
        return float((self.weight * loss).sum())

    def value(self, flat: FloatArray) -> tuple[float, FloatArray]:
        """The penalised negative log-likelihood and its gradient."""
        ability, loading, project = self.split(flat)
        position = self.x @ project
        logit = position @ loading.T + ability
        apart = loading - self.about
        value = self._loss(logit) + 0.5 * self.loading_penalty * (apart**2).sum()
        value += 0.5 * (self.penalty * project**2).sum() + 0.5e-3 * (ability**2).sum()
        slope = self.weight * (sigmoid(logit) - self.quality)
        gradient = (
            slope.sum(axis=0) + 1e-3 * ability,
            (slope.T @ position + self.loading_penalty * apart).ravel(),
            (self.x.T @ (slope @ loading) + self.penalty * project).ravel(),
        )
        return float(value), np.concatenate(gradient)


def _loadings(quality: FloatArray, weight: FloatArray, dimensions: int) -> FloatArray:
    """(k, f) the principal directions, each of unit mean square; 0 for candidates never seen."""
    residuals = Residuals.of(quality, weight)
    seen = residuals.axes.shape[0]
    count = max(1, min(dimensions, seen))
    if not seen:
        return np.zeros((len(residuals.seen), 1))
    loadings: FloatArray = residuals.spread(np.eye(seen)[:count]).T * np.sqrt(seen)
    return loadings


def _start(problem: _Problem) -> FloatArray:
    """Every query at 0, so that each candidate's ability is its mean's logit."""
    means = weighted_means(problem.quality, problem.weight)
    clipped = np.clip(means, 1e-3, 1 - 1e-3)
    project = np.zeros((problem.x.shape[1], problem.about.shape[1]))
    return np.concatenate([np.log(clipped / (1 - clipped)), problem.about.ravel(), project.ravel()])


def _penalties(problem: _Problem, first: float, contrast: float) -> _Problem:
    factors = np.full(problem.about.shape[1], first * contrast)
    factors[0] = first
    return replace(problem, penalty=factors)


def _with_chosen_penalties(problem: _Problem, sample: IntArray, penalties: tuple[float, ...]) -> _Problem:
    """At the penalties of least held-out log-loss on a third of ``sample``; every solution starts from the
    next stronger one's."""
    held, fit = sample[: len(sample) // 3], sample[len(sample) // 3 :]
    contrasts = CONTRAST if problem.about.shape[1] > 1 else CONTRAST[:1]
    if len(penalties) * len(contrasts) == 1 or not len(held):
        return _penalties(problem, penalties[0], contrasts[0])
    inner, outer = take(problem, fit), take(problem, held)
    best, least = (penalties[-1], contrasts[-1]), np.inf
    for contrast in contrasts:
        flat = _start(inner)
        for first in sorted(penalties, reverse=True):
            flat = _penalties(inner, first, contrast).solve(flat, _STEPS_TO_CHOOSE)
            loss = outer.loss(flat)
            if loss < least:
                best, least = (first, contrast), loss
    return _penalties(problem, *best)
