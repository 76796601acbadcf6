"""Gradient-boosted trees along the factors of the candidates' qualities, predicted on NumPy alone.

Trees are grown by scikit-learn's histogram boosting, one sequence per factor, and kept as plain arrays. How
many a factor gets is decided on a quarter of the rows: none where they do not help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.errors import MissingExtra
from penstock.estimators.base import Arrays, Fitted, Settings
from penstock.estimators.ex_ante.factor_ridge import filled_scores
from penstock.estimators.ex_ante.factors import Residuals
from penstock.estimators.ex_ante.trees import Trees
from penstock.estimators.features import Inputs
from penstock.types import BoolArray, FloatArray

HELD_OUT = 4
"""One block of rows in so many decides the number of trees."""
_LEAST_ROWS = 80
_BINS = 48
_CHUNK = 25
"""Trees are grown so many at a time for as long as the last ones help."""


@dataclass(frozen=True)
class Boosting:
    """``trees`` at most per factor, of ``leaves`` leaves with at least ``rows_per_leaf`` rows each; ``step``:
    the share of each that is added; ``penalty``: L2 on what leaves say; ``share``: the share of the features
    a split chooses among."""

    trees: int = 100
    step: float = 0.06
    leaves: int = 6
    rows_per_leaf: int = 40
    penalty: float = 20.0
    share: float = 0.3

    @property
    def name(self) -> str:
        return "boosting"

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        residuals = Residuals.of(quality, weight)
        scores, counts = filled_scores(inputs.dense, residuals)
        bins = _Bins.of(inputs.dense)
        held = inputs.fold(HELD_OUT, seed) == 0
        sequences = [
            self._sequence(bins, scores[:, j], counts[:, j], held, seed) for j in range(scores.shape[1])
        ]
        return FittedBoosting(residuals.means, residuals.spread(np.eye(scores.shape[1])), tuple(sequences))

    def _sequence(self, bins: _Bins, y: FloatArray, w: FloatArray, held: BoolArray, seed: int) -> Trees:
        """As many trees as are best on the rows held out, grown on all of them; none on too few rows."""
        fit = ~held & (w > 0)
        if int(fit.sum()) < _LEAST_ROWS or not (held & (w > 0)).any() or not np.ptp(y[fit]) > 0:
            return Trees.none()
        model = self._model(seed)
        best = 0
        for grown in range(_CHUNK, self.trees + _CHUNK, _CHUNK):
            model.set_params(max_iter=min(grown, self.trees))
            model.fit(bins.code[fit], y[fit], sample_weight=w[fit])
            steps = Trees.of(model, bins.cuts).staged(bins.x[held])
            best = int((w[held] * (y[held] - steps) ** 2).sum(axis=1).argmin())
            if best <= grown - _CHUNK:
                break
        if best == 0:
            return Trees.none()
        final = self._model(seed).set_params(max_iter=best)
        return Trees.of(final.fit(bins.code, y, sample_weight=w), bins.cuts)

    def _model(self, seed: int) -> Any:
        try:
            from sklearn.ensemble import HistGradientBoostingRegressor
        except ImportError as error:
            raise MissingExtra("fit", "growing trees") from error
        return HistGradientBoostingRegressor(
            learning_rate=self.step,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.rows_per_leaf,
            l2_regularization=self.penalty,
            max_features=self.share,
            max_bins=_BINS,
            early_stopping=False,
            warm_start=True,
            random_state=seed,
        )


@dataclass(frozen=True)
class _Bins:
    """``x`` (n, d), the ``cuts`` (d, b) that order each feature into bins, and every value's bin as ``code``
    (n, d): code <= c exactly where x <= cuts[:, c]. Binned once for all factors."""

    x: FloatArray
    cuts: FloatArray
    code: FloatArray

    @classmethod
    def of(cls, x: FloatArray) -> _Bins:
        cuts = np.quantile(x, np.linspace(0.0, 1.0, _BINS + 1)[1:-1], axis=0, method="lower").T
        code = [np.searchsorted(own, column, side="left") for own, column in zip(cuts, x.T, strict=True)]
        return cls(x, cuts, np.array(code, dtype=np.float64).T)


@dataclass(frozen=True)
class FittedBoosting:
    """``means`` (k,), ``axes`` (s, k) and the trees along each axis."""

    means: FloatArray
    axes: FloatArray
    trees: tuple[Trees, ...]
    kind: str = "boosting"

    def predict(self, inputs: Inputs) -> FloatArray:
        x = inputs.dense
        scores = np.stack([t.predict(x) for t in self.trees], axis=1) if self.trees else np.zeros((len(x), 0))
        predicted: FloatArray = self.means + scores @ self.axes
        return predicted

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        arrays: dict[str, NDArray[Any]] = {"means": self.means, "axes": self.axes}
        for j, trees in enumerate(self.trees):
            arrays.update({f"{j}.{key}": value for key, value in trees.arrays().items()})
        return {"sequences": len(self.trees)}, arrays

    @classmethod
    def from_state(cls, settings: Settings, arrays: Arrays) -> FittedBoosting:
        trees = [
            Trees.of_arrays({k.removeprefix(f"{j}."): v for k, v in arrays.items() if k.startswith(f"{j}.")})
            for j in range(int(settings["sequences"]))
        ]
        return cls(arrays["means"], arrays["axes"], tuple(trees))
