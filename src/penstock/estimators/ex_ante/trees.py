"""A sum of regression trees as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.types import FloatArray


@dataclass(frozen=True)
class Trees:
    """t trees of at most m nodes: at node i a query goes to ``left`` where its ``feature`` is at most
    ``threshold``, else to ``right``; a leaf leads to itself. All (t, m); ``start`` is added to every sum."""

    start: float
    feature: NDArray[np.int32]
    threshold: FloatArray
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: FloatArray
    depth: int

    @classmethod
    def none(cls) -> Trees:
        """No tree: 0 everywhere."""
        empty = np.zeros((0, 1))
        nodes = empty.astype(np.int32)
        return cls(0.0, nodes, empty, nodes, nodes, empty, 0)

    @classmethod
    def of(cls, model: Any, cuts: FloatArray) -> Trees:
        """From a scikit-learn HistGradientBoostingRegressor fitted on bins: ``cuts`` (d, b) are where they
        end, so that a split between bins c and c + 1 is one at ``cuts[:, c]``."""
        nodes = [predictors[0].nodes for predictors in model._predictors]
        width = max((len(n) for n in nodes), default=1)
        shape = (len(nodes), width)
        itself = np.broadcast_to(np.arange(width, dtype=np.int32), shape)
        feature, threshold, value = np.zeros(shape, np.int32), np.zeros(shape), np.zeros(shape)
        left, right = itself.copy(), itself.copy()
        for t, tree in enumerate(nodes):
            inner = np.flatnonzero(tree["is_leaf"] == 0)
            feature[t, inner] = tree["feature_idx"][inner]
            split = tree["num_threshold"][inner].astype(np.int64)
            threshold[t, inner] = cuts[feature[t, inner], split]
            left[t, inner], right[t, inner] = tree["left"][inner], tree["right"][inner]
            value[t, : len(tree)] = tree["value"]
        depth = max((int(n["depth"].max()) for n in nodes), default=0)
        return cls(
            float(np.ravel(model._baseline_prediction)[0]), feature, threshold, left, right, value, depth
        )

    def predict(self, x: FloatArray) -> FloatArray:
        """(n,) the sum over trees."""
        total: FloatArray = self.start + self._leaves(x).sum(axis=1)
        return total

    def staged(self, x: FloatArray) -> FloatArray:
        """(t + 1, n) the sum of the first 0, 1, ... t trees; without any it is 0."""
        steps = self.start + np.cumsum(self._leaves(x), axis=1).T
        return np.concatenate([np.zeros((1, len(x))), steps])

    def _leaves(self, x: FloatArray) -> FloatArray:
        """(n, t) what each tree says."""
        tree = np.arange(len(self.value))[None, :]
        node = np.zeros((len(x), len(self.value)), dtype=np.int32)
        row = np.arange(len(x))[:, None]
        for _ in range(self.depth):
            below = x[row, self.feature[tree, node]] <= self.threshold[tree, node]
            node = np.where(below, self.left[tree, node], self.right[tree, node])
        found: FloatArray = self.value[tree, node]
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For a bundle."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "value": self.value,
            "start": np.array([self.start]),
            "depth": np.array([self.depth]),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Trees:
        """The same back."""
        return cls(
            start=float(arrays["start"][0]),
            feature=arrays["feature"],
            threshold=arrays["threshold"],
            left=arrays["left"],
            right=arrays["right"],
            value=arrays["value"],
            depth=int(arrays["depth"][0]),
        )
