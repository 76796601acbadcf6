"""Estimators by the name that the command line knows them under."""

from __future__ import annotations

from penstock import registry
from penstock.errors import InputError
from penstock.estimators.base import Estimator
from penstock.estimators.ex_ante.calibrated import Calibrated
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.registry import Room


def estimator(name: str) -> Estimator:
    """The estimator of that name with its default settings; InputError for an unknown name.

    ``NAME+isotonic`` and ``NAME+platt`` are calibrated on rows of their own.
    """
    plain, _, method = name.partition("+")
    if plain == ENSEMBLE:
        raise InputError(
            f"{ENSEMBLE!r} is the mean of other estimators, and neither fitted nor calibrated by itself",
            field="--estimator",
            hint=f"Name it beside them, as in knn,kernel,{ENSEMBLE}",
        )
    found: Estimator = registry.find(Room.ESTIMATOR, plain, field="--estimator", besides=[ENSEMBLE])()
    return Calibrated(found, method) if "+" in name else found
