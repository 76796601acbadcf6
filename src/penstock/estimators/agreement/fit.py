"""Fitting the agreement model by penalised marginal likelihood.

A query's node is one of ``_POINTS`` difficulties (Gauss-Hermite) times {ordinary, trap}. Candidate j is right
at difficulty theta with log odds ``bias_j + slope_j * logit(ex ante) + load_j * theta - [trap] * depth``:
item response theory's two-parameter model with the ex-ante estimate as an offset. Wrong answers fall into
groups by Ewens' formula with a concentration for ordinary queries and one for traps. A few numbers per
candidate, shrunk towards common ones, so that a few hundred queries suffice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.core.agreement import NONE, AgreementParams, Evidence
from penstock.errors import MissingExtra
from penstock.estimators.agreement.feature_weight import feature_weight
from penstock.estimators.agreement.model import AgreementModel, log_ratios
from penstock.estimators.comparison.comparison import Comparison
from penstock.estimators.ex_ante.linear import logit
from penstock.types import BoolArray, FloatArray, IntArray

_POINTS = 9
_ROWS = 3_000
_STEPS = 200
_STRENGTH = 2.0
_START = np.array([0.0, -2.0, 1.0, -1.0])
"""Of log depth of a trap, log odds of one, and log concentrations of wrong answers, ordinary and trap."""
_PRIOR = np.array([1.0, 1.0, 0.5, 0.5])


def fit_agreement(
    ex_ante: FloatArray,
    code: IntArray,
    quality: FloatArray,
    observed: BoolArray,
    *,
    comparison: Comparison,
    seed: int,
    post_hoc: FloatArray | None = None,
    answered: BoolArray | None = None,
) -> AgreementModel:
    """Fit on n queries: cross-fitted ``ex_ante`` (n, k), answer codes (n, k) and the ``quality`` (n, k) of
    those very answers, in [0, 1]; cells that are not ``observed`` (n, k) say nothing. With cross-fitted
    estimates ``post_hoc`` (n, k), of those ``answered`` (n, k), own features are weighed too.

    At most 3,000 rows are used (seeded): there are about three numbers per candidate to learn. Raises
    MissingExtra without SciPy.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtra("fit", "fitting the agreement model") from error
    rows = np.random.default_rng(seed).permutation(len(quality))[:_ROWS]
    data = _Data.of(logit(ex_ante[rows]), code[rows], quality[rows], observed[rows])
    k = quality.shape[1]
    start = np.concatenate([np.zeros(2 * k + 1), [1.0], np.zeros(k), _START])
    options = {"maxiter": _STEPS}
    found = minimize(data.objective, start, jac=True, method="L-BFGS-B", options=options)
    p = _Parameters.of(found.x, k)
    params = AgreementParams(
        level=p.level()[None],
        weight=np.exp(p.log_weight())[None],
        wrong=p.concentration()[None],
        right=np.array([_right_concentration(code[rows], quality[rows], observed[rows])]),
    )
    if post_hoc is None:
        return AgreementModel(params, p.slope, comparison)
    told = np.ones(code.shape, dtype=bool) if answered is None else answered
    evidence = Evidence(
        p.slope * logit(ex_ante), code, log_ratios(ex_ante, post_hoc, told), np.zeros(len(code), np.int64)
    )
    return AgreementModel(
        params, p.slope, comparison, feature_weight(params, evidence, quality, observed, seed=seed)
    )


_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(_POINTS)
_THETA = np.tile(_NODES, 2)
_TRAP = np.repeat([False, True], _POINTS)
_LOG_NODE = np.tile(np.log(_NODE_WEIGHTS / _NODE_WEIGHTS.sum()), 2)


@dataclass(frozen=True)
class _Parameters:
    """The vector the optimiser moves, by name."""

    bias: FloatArray
    slope: FloatArray
    load: FloatArray
    depth: float
    trap: float
    log_ordinary: float
    log_trap: float

    @classmethod
    def of(cls, v: FloatArray, k: int) -> _Parameters:
        rest = v[3 * k + 2 :]
        return cls(
            bias=v[:k],
            slope=1.0 + v[k : 2 * k] + v[2 * k],
            load=v[2 * k + 1] + v[2 * k + 2 : 3 * k + 2],
            depth=float(np.exp(rest[0])),
            trap=float(rest[1]),
            log_ordinary=float(rest[2]),
            log_trap=float(rest[3]),
        )

    def shift(self) -> FloatArray:
        """(T,) what a trap takes from everybody's log odds."""
        return np.where(_TRAP, -self.depth, 0.0)

    def level(self) -> FloatArray:
        """(k, T)."""
        level: FloatArray = self.bias[:, None] + self.load[:, None] * _THETA + self.shift()
        return level

    def log_weight(self) -> FloatArray:
        """(T,)."""
        of_kind = np.where(_TRAP, -np.logaddexp(0.0, -self.trap), -np.logaddexp(0.0, self.trap))
        weight: FloatArray = _LOG_NODE + of_kind
        return weight

    def concentration(self) -> FloatArray:
        """(T,) of wrong answers."""
        return np.exp(np.where(_TRAP, self.log_trap, self.log_ordinary))


@dataclass(frozen=True)
class _Data:
    """n queries: ``z`` (n, k) ex-ante logits, ``right`` and ``wrong`` (n, k) shares of the observed cells,
    and how the wrong answers fell: how ``many`` (n,) into how many ``groups`` (n,)."""

    z: FloatArray
    right: FloatArray
    wrong: FloatArray
    many: FloatArray
    groups: FloatArray

    @classmethod
    def of(cls, z: FloatArray, code: IntArray, quality: FloatArray, observed: BoolArray) -> _Data:
        right = np.where(observed, np.nan_to_num(quality), 0.0)
        wrong = np.where(observed, 1.0 - np.nan_to_num(quality), 0.0)
        counted = observed & (code != NONE) & (wrong > 0.5)
        groups = [len(set(row[said].tolist())) for row, said in zip(code, counted, strict=True)]
        return cls(z, right, wrong, counted.sum(axis=1).astype(float), np.array(groups, dtype=float))

    def objective(self, v: FloatArray) -> tuple[float, FloatArray]:
        """Penalised negative log likelihood and its gradient."""
        from scipy.special import digamma, gammaln

        n, k = self.z.shape
        p = _Parameters.of(v, k)
        odds = (p.slope * self.z)[:, :, None] + p.level()
        soft = np.logaddexp(0.0, odds)  # -log P(wrong); log P(right) = odds - soft
        seen = self.right + self.wrong
        log = np.einsum("nk,nkt->nt", self.right, odds) - np.einsum("nk,nkt->nt", seen, soft)
        many, groups = self.many[:, None], self.groups[:, None]
        alpha = p.concentration()
        log += groups * np.log(alpha) + gammaln(alpha) - gammaln(alpha + many)
        log += p.log_weight()
        top = log.max(axis=1, keepdims=True)
        mass = np.exp(log - top)
        total = mass.sum(axis=1, keepdims=True)
        node = mass / total
        surprise = self.right[:, :, None] - seen[:, :, None] * np.exp(odds - soft)
        pull = surprise * node[:, None, :]
        by_cell = pull.sum(axis=2)
        by_slope = (by_cell * self.z).sum(axis=0)
        by_load = np.einsum("nkt,t->k", pull, _THETA)
        by_group = (groups + alpha * (digamma(alpha) - digamma(alpha + many))) * node
        traps = node[:, _TRAP].sum()
        gradient = np.concatenate(
            [
                by_cell.sum(axis=0),
                by_slope,
                [by_slope.sum(), by_load.sum()],
                by_load,
                [
                    float((pull * p.shift()).sum()),
                    float(traps - n / (1.0 + np.exp(-p.trap))),
                    float(by_group[:, ~_TRAP].sum()),
                    float(by_group[:, _TRAP].sum()),
                ],
            ]
        )
        centre = np.concatenate([np.zeros(3 * k + 2), _START])
        penalty = _STRENGTH * np.concatenate(
            [np.full(k, 0.1), np.full(k, 20.0), [0.5, 0.1], np.full(k, 3.0), _PRIOR]
        )
        away = v - centre
        value = -float((top + np.log(total)).sum()) + 0.5 * float(penalty @ away**2)
        return value, penalty * away - gradient


def _right_concentration(code: IntArray, quality: FloatArray, observed: BoolArray) -> float:
    """Of right answers, from the share of pairs of right answers that coincide: 1 / (1 + concentration)."""
    right = np.where(observed & (code != NONE), np.nan_to_num(quality), 0.0)
    pairs = same = 0.0
    for j in range(1, code.shape[1]):
        both = right[:, j : j + 1] * right[:, :j]
        pairs += float(both.sum())
        same += float((both * (code[:, j : j + 1] == code[:, :j])).sum())
    share = (same + 1.0) / (pairs + 1.1)
    return max(1.0 / share - 1.0, 1e-3)
