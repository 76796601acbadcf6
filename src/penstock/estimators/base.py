"""The two halves of every estimate before a call: settings that can be fitted, and what fitting gives.

Settings are frozen dataclasses whose fields are the parameters, so ``repr``, equality and copies come free
and ``fit`` never changes them. Randomness enters only through ``seed``. What is fitted is a frozen dataclass
of plain values and arrays: a bundle stores its fields (``penstock.codec``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

from penstock.estimators.features import Inputs
from penstock.registry import Room
from penstock.types import FloatArray


class Fitted(ABC):
    """Expected quality of k candidates on queries not seen before; NumPy alone. Subclasses are frozen
    dataclasses, registered in the room ``fitted_estimator``."""

    room: ClassVar[Room] = Room.FITTED_ESTIMATOR

    @abstractmethod
    def predict(self, inputs: Inputs) -> FloatArray:
        """(n, k) expected quality; finite, not necessarily within [0, 1]."""


class Estimator(Protocol):
    """Settings of an estimate before the call, registered in the room ``estimator`` under its name."""

    @property
    def name(self) -> str:
        """Short name, as in ``routing/NAME``."""
        ...

    def fit(self, inputs: Inputs, quality: FloatArray, weight: FloatArray, *, seed: int) -> Fitted:
        """Fit on n queries: ``quality`` (n, k) with NaN where missing, ``weight`` (n, k) >= 0 (one over the
        propensity of observed cells, 0 where missing). Inputs are not changed."""
        ...
