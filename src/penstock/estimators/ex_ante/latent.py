"""Candidates and queries as vectors: matrix factorisation and item response.

Both say ``logit P(candidate j answers query i) = ability_j + loading_j . position_i``, the query's position
linear in its features, so that queries never seen have one too. ``Factorisation`` (as RouteLLM's: Ong et al.
2024, arXiv 2406.18665) gives every candidate a vector of several dimensions; ``ItemResponse`` (the
two-parameter model: Birnbaum 1968) has the query's ease, which every candidate discriminates with a positive
loading, and one further skill. Fitted together by weighted likelihood; missing cells have no say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.errors import MissingExtra
from penstock.estimators.base import Arrays, Fitted, Settings, weighted_means
from penstock.estimators.ex_ante.factors import Residuals
from penstock.estimators.ex_ante.linear import sigmoid
from penstock.estimators.features import Inputs
from penstock.types import FloatArray, IntArray

PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
CONTRAST = (1.0, 4.0)
"""How much stronger positions beyond the first dimension are penalised."""
_CHOOSE_ON = 2_000
_STEPS = 60
_STEPS_TO_CHOOSE = 20


@dataclass(frozen=True)
class Factorisation:
    """``dimensions`` of the vectors (at most the number of candidates); ``loading_penalty`` holds the
    candidates' vectors to the principal directions of their qualities."""

    dimensions: int = 8
    loading_penalty: float = 30.0
    penalties: tuple[float, ...] = PENALTIES

    @property
    def name(self) -> str:
        return "mf"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        return _fit(
            inputs, quality, weight, self.dimensions, self.loading_penalty, self.penalties, seed, False
        )


@dataclass(frozen=True)
class ItemResponse:
    """``dimensions``: 1 is ease alone, each further one a skill; ``loading_penalty`` holds discriminations to
    1."""

    dimensions: int = 2
    loading_penalty: float = 30.0
    penalties: tuple[float, ...] = PENALTIES

    @property
    def name(self) -> str:
        return "irt"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        return _fit(
            inputs, quality, weight, self.dimensions, self.loading_penalty, self.penalties, seed, True
        )


@dataclass(frozen=True)
class FittedLatent:
    """``ability`` (k,) and ``loading`` (k, f) of candidates; ``project`` (d, f) gives a query's position."""

    ability: FloatArray
    loading: FloatArray
    project: FloatArray
    kind: str = "latent"

    def predict(self, inputs: Inputs) -> FloatArray:
        return sigmoid(inputs.dense @ self.project @ self.loading.T + self.ability)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return {}, {"ability": self.ability, "loading": self.loading, "project": self.project}

    @classmethod
    def from_state(cls, settings: Settings, arrays: Arrays) -> FittedLatent:
        return cls(arrays["ability"], arrays["loading"], arrays["project"])


@dataclass(frozen=True)
class _Problem:
    """Penalised likelihood of centred ``x`` (n, d); ``about`` (k, f) is what loadings are held to."""

    x: FloatArray
    quality: FloatArray
    weight: FloatArray
    about: FloatArray
    penalty: FloatArray
    loading_penalty: float
    positive: bool

    def solve(self, start: FloatArray, steps: int = _STEPS) -> FloatArray:
        """From ``start``, by at most so many quasi-Newton steps."""
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise MissingExtra("fit", "fitting candidates' and queries' vectors") from error
        k, f = self.about.shape
        bounds: list[tuple[float | None, float | None]] = [(None, None)] * len(start)
        if self.positive:
            for j in range(k):
                bounds[k + j * f] = (0.0, None)  # nobody does worse on easier queries
        found = minimize(
            self.value,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": steps, "ftol": 1e-7},
        )
        return np.asarray(found.x, dtype=np.float64)

    def split(self, flat: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Ability (k,), loading (k, f), project (d, f)."""
        k, f = self.about.shape
        return flat[:k], flat[k : k + k * f].reshape(k, f), flat[k + k * f :].reshape(-1, f)

    def rows(self, index: IntArray) -> _Problem:
        """The same for some of the queries."""
        return replace(self, x=self.x[index], quality=self.quality[index], weight=self.weight[index])

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


def _fit(
    inputs: Inputs,
    quality: FloatArray,
    weight: FloatArray,
    dimensions: int,
    loading_penalty: float,
    penalties: tuple[float, ...],
    seed: int,
    positive: bool,
) -> FittedLatent:
    x, known = inputs.dense, np.nan_to_num(np.where(weight > 0, quality, 0.0))
    centre = x.mean(axis=0)
    about = _loadings(quality, weight, dimensions)
    problem = _Problem(x - centre, known, weight, about, np.ones(about.shape[1]), loading_penalty, positive)
    sample = np.random.default_rng(seed).permutation(len(x))[:_CHOOSE_ON]
    flat = _with_chosen_penalties(problem, sample, penalties).solve(_start(problem))
    ability, loading, project = problem.split(flat)
    return FittedLatent(ability - loading @ (centre @ project), loading, project)


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
    inner, outer = problem.rows(fit), problem.rows(held)
    best, least = (penalties[-1], contrasts[-1]), np.inf
    for contrast in contrasts:
        flat = _start(inner)
        for first in sorted(penalties, reverse=True):
            flat = _penalties(inner, first, contrast).solve(flat, _STEPS_TO_CHOOSE)
            loss = outer.loss(flat)
            if loss < least:
                best, least = (first, contrast), loss
    return _penalties(problem, *best)
