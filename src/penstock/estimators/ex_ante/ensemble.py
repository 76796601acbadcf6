"""The mean of every estimator that was tried, each after its own shrinkage.

Which of several good estimators did best on a few hundred rows, or on a few tasks, is mostly luck; their
mean does about as well as the luckiest without having to be lucky. Unlike ``stack`` it learns nothing on top,
so nothing on top can fail to carry over to other tasks. It is not fitted by itself: it is put together from
members that were fitted and cross-fitted anyway, and costs nothing to try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.estimators.base import Arrays, Fitted, Settings
from penstock.estimators.ex_ante.members import Restore, members_from_state, members_state
from penstock.estimators.features import Inputs
from penstock.estimators.shrinkage import Shrinkage
from penstock.types import FloatArray

ENSEMBLE = "ensemble"
"""Its name among estimators."""


@dataclass(frozen=True)
class FittedEnsemble:
    """Fitted ``members`` and the ``shrinkages`` of what each predicts."""

    members: tuple[Fitted, ...]
    shrinkages: tuple[Shrinkage, ...]
    kind: str = ENSEMBLE

    def predict(self, inputs: Inputs) -> FloatArray:
        return mean_of(
            [
                np.clip(shrinkage.apply(member.predict(inputs)), 0.0, 1.0)
                for member, shrinkage in zip(self.members, self.shrinkages, strict=True)
            ]
        )

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        settings, arrays = members_state(self.members)
        own = {
            "means": np.stack([s.means for s in self.shrinkages]),
            "common": np.array([s.common for s in self.shrinkages]),
            "contrast": np.array([s.contrast for s in self.shrinkages]),
        }
        return {"members": settings}, {**arrays, **own}

    @classmethod
    def from_state(cls, settings: Settings, arrays: Arrays, restore: Restore) -> FittedEnsemble:
        told = zip(arrays["means"], arrays["common"], arrays["contrast"], strict=True)
        shrinkages = tuple(
            Shrinkage(means, float(common), float(contrast)) for means, common, contrast in told
        )
        return cls(members_from_state(settings["members"], arrays, restore), shrinkages)


def mean_of(estimates: Sequence[FloatArray]) -> FloatArray:
    """(n, k) the members' ``estimates`` (n, k) count alike."""
    mean: FloatArray = np.mean(estimates, axis=0)
    return mean
