"""Ridge and logistic regression of quality on features, one row of coefficients per candidate.

Written out because qualities are shares in [0, 1] with missing, weighted cells, and because the gateway
evaluates them on NumPy alone. The penalty is chosen by cross-validated error, pooled over candidates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from penstock.core.means import weighted_means
from penstock.estimators.base import Fitted
from penstock.estimators.features import Inputs
from penstock.registry import register
from penstock.types import FloatArray

PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
_INNER_FOLDS = 3
_CHOOSE_ON = 2_000
_NEWTON_STEPS = 12

Solver = Callable[
    [FloatArray, FloatArray, FloatArray, tuple[float, ...]], list[tuple[FloatArray, FloatArray]]
]
"""(x, y, weight, penalties) -> intercept (k,) and coefficients (d, k) for each penalty."""


@register("estimator", "ridge")
@dataclass(frozen=True)
class Ridge:
    """Least squares with an L2 penalty on all but the intercept."""

    penalties: tuple[float, ...] = PENALTIES

    @property
    def name(self) -> str:
        return "ridge"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> FittedLinear:
        return _choose(self.penalties, _ridge, inputs, quality, weight, seed, logistic=False)


@register("estimator", "logistic")
@dataclass(frozen=True)
class Logistic:
    """Logistic regression on shares: the maximum of the Bernoulli likelihood with soft labels, penalised."""

    penalties: tuple[float, ...] = tuple(p / 4 for p in PENALTIES)
    """A unit of logit is worth at most a quarter of a unit of quality."""

    @property
    def name(self) -> str:
        return "logistic"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> FittedLinear:
        return _choose(self.penalties, _logistic, inputs, quality, weight, seed, logistic=True)


@register("fitted_estimator", "linear")
@dataclass(frozen=True)
class FittedLinear(Fitted):
    """``intercept`` (k,) and ``coefficients`` (d, k); a logistic link or none."""

    intercept: FloatArray
    coefficients: FloatArray
    logistic: bool

    def predict(self, inputs: Inputs) -> FloatArray:
        linear: FloatArray = inputs.dense @ self.coefficients + self.intercept
        return sigmoid(linear) if self.logistic else linear


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def logit(p: FloatArray, edge: float = 0.01) -> FloatArray:
    """Log odds of shares, which are kept ``edge`` off 0 and 1."""
    inside = np.clip(p, edge, 1.0 - edge)
    odds: FloatArray = np.log(inside / (1.0 - inside))
    return odds


def _choose(
    penalties: tuple[float, ...],
    solve: Solver,
    inputs: Inputs,
    quality: FloatArray,
    weight: FloatArray,
    seed: int,
    *,
    logistic: bool,
) -> FittedLinear:
    """Fit at the penalty of least squared error on inner folds of at most ``_CHOOSE_ON`` rows.

    A penalty is the weight of a prior, which does not grow with the rows, so a sample can choose it.
    """
    best = penalties[0]
    if len(penalties) > 1:
        sample = np.random.default_rng(seed).permutation(len(inputs))[:_CHOOSE_ON]
        best = _penalty(penalties, solve, inputs.rows(sample), quality[sample], weight[sample], logistic)
    ((intercept, coefficients),) = solve(inputs.dense, np.nan_to_num(quality), weight, (best,))
    return FittedLinear(intercept, coefficients, logistic)


def _penalty(
    penalties: tuple[float, ...],
    solve: Solver,
    inputs: Inputs,
    quality: FloatArray,
    weight: FloatArray,
    logistic: bool,
) -> float:
    """The penalty of least held-out squared error; the rows are in random order."""
    x, y = inputs.dense, np.nan_to_num(quality)
    fold = np.arange(len(x)) % _INNER_FOLDS
    error = np.zeros(len(penalties))
    for f in range(_INNER_FOLDS):
        fit, held = fold != f, fold == f
        if not fit.any() or not held.any():
            continue
        inner = inputs.rows(held)
        for p, (intercept, coefficients) in enumerate(solve(x[fit], y[fit], weight[fit], penalties)):
            predicted = FittedLinear(intercept, coefficients, logistic).predict(inner)
            error[p] += (weight[held] * (predicted - y[held]) ** 2).sum()
    return penalties[int(error.argmin())]


def _ridge(
    x: FloatArray, y: FloatArray, weight: FloatArray, penalties: tuple[float, ...]
) -> list[tuple[FloatArray, FloatArray]]:
    """Solutions for all penalties; one factorisation serves every candidate with the same weights."""
    k = y.shape[1]
    results = [(np.zeros(k), np.zeros((x.shape[1], k))) for _ in penalties]
    for columns in _same_columns(weight):
        w = weight[:, columns[0]]
        total = w.sum()
        if total <= 0:
            for intercept, _ in results:
                intercept[columns] = 0.5
            continue
        x_mean, y_mean = w @ x / total, w @ y[:, columns] / total
        centred = x - x_mean
        values, vectors = np.linalg.eigh(centred.T @ (w[:, None] * centred))
        moment = vectors.T @ (centred.T @ (w[:, None] * (y[:, columns] - y_mean)))
        for (intercept, coefficients), penalty in zip(results, penalties, strict=True):
            solved = vectors @ (moment / (np.maximum(values, 0.0) + penalty)[:, None])
            coefficients[:, columns] = solved
            intercept[columns] = y_mean - x_mean @ solved
    return results


def _logistic(
    x: FloatArray, y: FloatArray, weight: FloatArray, penalties: tuple[float, ...]
) -> list[tuple[FloatArray, FloatArray]]:
    """Solutions by Newton's method, each penalty started from the next stronger one."""
    k = y.shape[1]
    design = np.concatenate([np.ones((len(x), 1)), x], axis=1)
    results = [(np.zeros(k), np.zeros((x.shape[1], k))) for _ in penalties]
    start = np.clip(weighted_means(np.where(weight > 0, y, np.nan), weight), 1e-3, 1 - 1e-3)
    for j in range(k):
        beta = np.zeros(design.shape[1])
        beta[0] = np.log(start[j] / (1 - start[j]))
        for p in np.argsort(penalties)[::-1].tolist():
            beta = _newton(design, y[:, j], weight[:, j], beta, penalties[p])
            results[p][0][j], results[p][1][:, j] = beta[0], beta[1:]
    return results


def _newton(
    design: FloatArray, y: FloatArray, weight: FloatArray, beta: FloatArray, penalty: float
) -> FloatArray:
    ridge = np.full(len(beta), penalty)
    ridge[0] = 1e-3  # keeps the intercept finite where all answers are right or all wrong
    for _ in range(_NEWTON_STEPS):
        p = sigmoid(design @ beta)
        gradient = design.T @ (weight * (p - y)) + ridge * beta
        curvature = np.maximum(weight * p * (1 - p), 1e-6 * weight)
        hessian = design.T @ (curvature[:, None] * design) + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        # the likelihood is concave, but a whole Newton step can overshoot from far away
        step *= min(1.0, 5.0 / max(float(np.abs(design @ step).max()), 1e-12))
        beta = beta - step
        if float(np.abs(step).max()) < 1e-6:
            break
    return beta


def _same_columns(weight: FloatArray) -> list[list[int]]:
    """Candidates grouped by identical weight columns."""
    groups: list[list[int]] = []
    for j in range(weight.shape[1]):
        for group in groups:
            if np.array_equal(weight[:, group[0]], weight[:, j]):
                group.append(j)
                break
        else:
            groups.append([j])
    return groups
