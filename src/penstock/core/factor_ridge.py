"""Ridge regression along the factors of the candidates' qualities, each with a penalty of its own.

A factor's penalty is the one of least leave-one-out error on observed cells. Missing and weighted cells are
filled by majorisation (Srebro & Jaakkola 2003): a few rounds come close to the weighted solution at the price
of matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from penstock.core.factors import Residuals
from penstock.types import FloatArray

PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5)
_ROUNDS = 40
_CHOOSE_AFTER = (0, 5, 15)


def solve(
    x: FloatArray, residuals: Residuals, penalties: Sequence[float] = PENALTIES
) -> tuple[FloatArray, FloatArray]:
    """Offset (s,) and slopes (d, s) along the axes, of centred ``x`` (n, d)."""
    grid = np.array(penalties)
    values, vectors = np.linalg.eigh(x.T @ x)
    values = np.maximum(values, 0.0)
    scores = x @ vectors
    chosen = np.full(residuals.value.shape[1], len(grid) // 2)
    offset = np.zeros(len(chosen))
    slopes = np.zeros((x.shape[1], len(chosen)))
    for turn in range(1 if residuals.complete else _ROUNDS):
        filled = residuals.filled(scores @ slopes + offset)
        moment = scores.T @ filled
        if turn in _CHOOSE_AFTER:
            chosen = _choose(scores, values, filled, moment, residuals, grid)
        offset = filled.mean(axis=0)
        slopes = moment / (values[:, None] + grid[chosen])
    return offset, vectors @ slopes


def _choose(
    scores: FloatArray,
    values: FloatArray,
    filled: FloatArray,
    moment: FloatArray,
    residuals: Residuals,
    penalties: FloatArray,
) -> NDArray[np.intp]:
    """(s,) the index of each axis' penalty: least leave-one-out error on observed cells, axis by axis with
    the others held, the strongest penalties at first."""
    n, s = filled.shape
    left_out = np.empty((len(penalties), n, s))
    squares = scores**2
    for p, penalty in enumerate(penalties):
        leverage = squares @ (1.0 / (values + penalty)) + 1.0 / n
        fitted = scores @ (moment / (values + penalty)[:, None]) + filled.mean(axis=0)
        left_out[p] = filled - (filled - fitted) / np.maximum(1.0 - leverage, 0.05)[:, None]
    chosen = np.full(s, len(penalties) - 1)
    for _ in range(1 if residuals.complete else 2):
        for j in range(s):
            others = left_out[chosen, :, np.arange(s)].T
            others[:, j] = 0.0
            rest = residuals.value - others @ residuals.axes.T
            # least squares along one axis: only the part of the error that depends on it is compared
            linear = (residuals.weight * rest) @ residuals.axes[:, j]
            square = residuals.weight @ residuals.axes[:, j] ** 2
            along = left_out[:, :, j]
            chosen[j] = int(((square * along - 2 * linear) * along).sum(axis=1).argmin())
    return chosen
