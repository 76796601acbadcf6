"""Estimators by name, and fitted estimators from a bundle."""

from __future__ import annotations

from collections.abc import Callable

from penstock.errors import BundleError, InputError
from penstock.estimators.base import Arrays, Estimator, Fitted, Settings
from penstock.estimators.ex_ante.blend import Blend, FittedBlend
from penstock.estimators.ex_ante.boosting import Boosting, FittedBoosting
from penstock.estimators.ex_ante.calibrated import Calibrated, FittedCalibrated
from penstock.estimators.ex_ante.clusters import Clusters, FittedClusters
from penstock.estimators.ex_ante.encoder import FittedEncoderScores
from penstock.estimators.ex_ante.ensemble import ENSEMBLE, FittedEnsemble
from penstock.estimators.ex_ante.guarded import FittedGuarded, GuardedNeighbours
from penstock.estimators.ex_ante.kernel import FittedKernel, Kernel
from penstock.estimators.ex_ante.latent import Factorisation, FittedLatent, ItemResponse
from penstock.estimators.ex_ante.linear import FittedLinear, Logistic, Ridge
from penstock.estimators.ex_ante.mean import CandidateMean, FittedMeans, TaskMean
from penstock.estimators.ex_ante.neighbours import FittedNeighbours, NearestNeighbours
from penstock.estimators.ex_ante.stack import FittedStack, Stack

ESTIMATORS: dict[str, Callable[[], Estimator]] = {
    "mean": CandidateMean,
    "task_mean": TaskMean,
    "knn": NearestNeighbours,
    "kmeans": Clusters,
    "ridge": Ridge,
    "logistic": Logistic,
    "blend": Blend,
    "guarded_knn": GuardedNeighbours,
    "kernel": Kernel,
    "boosting": Boosting,
    "mf": Factorisation,
    "irt": ItemResponse,
    "stack": Stack,
}

_FITTED: dict[str, Callable[[Settings, Arrays], Fitted]] = {
    "means": FittedMeans.from_state,
    "knn": FittedNeighbours.from_state,
    "clusters": FittedClusters.from_state,
    "linear": FittedLinear.from_state,
    "encoder": FittedEncoderScores.from_state,
    "guarded_knn": FittedGuarded.from_state,
    "kernel": FittedKernel.from_state,
    "boosting": FittedBoosting.from_state,
    "latent": FittedLatent.from_state,
    "stack": lambda settings, arrays: FittedStack.from_state(settings, arrays, restore),
    "calibrated": lambda settings, arrays: FittedCalibrated.from_state(settings, arrays, restore),
    "blend": lambda settings, arrays: FittedBlend.from_state(settings, arrays, restore),
    ENSEMBLE: lambda settings, arrays: FittedEnsemble.from_state(settings, arrays, restore),
}


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
    if plain not in ESTIMATORS:
        raise InputError(
            f"no estimator is called {plain!r}; there are {', '.join((*ESTIMATORS, ENSEMBLE))}",
            field="--estimator",
        )
    found = ESTIMATORS[plain]()
    return Calibrated(found, method) if "+" in name else found


def restore(kind: str, settings: Settings, arrays: Arrays) -> Fitted:
    """A fitted estimator from what its ``state`` returned; BundleError for a kind this version lacks."""
    if kind not in _FITTED:
        raise BundleError(f"the bundle holds an estimator of kind {kind!r}, which this version does not know")
    return _FITTED[kind](settings, arrays)
