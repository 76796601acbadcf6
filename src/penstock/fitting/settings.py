"""What can be set about a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from penstock.errors import InputError

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""

FEATURES = ("prompt", "task", "prompt+task")
FOLD_BY = ("group", "task")


@dataclass(frozen=True)
class FitSettings:
    """``estimators`` and ``policies`` to try, by name; the ``features`` estimators may use (a task's
    name only
    where it will be known at decision time); ``folds`` for cross-fitting, by question (``group``) or
    with whole
    tasks left out (``task``: for traffic whose tasks the table does not hold); ``directions`` of text kept;
    the ``confidence`` of the guard."""

    estimators: tuple[str, ...] = ("knn", "kmeans", "ridge", "logistic", "blend")
    policies: tuple[str, ...] = ("routing", "cascade", "index", "lookahead")
    features: str = "prompt"
    folds: int = 5
    fold_by: str = "group"
    directions: int = 96
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.features not in FEATURES:
            raise InputError(
                f"must be one of {', '.join(FEATURES)}, not {self.features!r}", field="--features"
            )
        if self.fold_by not in FOLD_BY:
            raise InputError(f"must be one of {', '.join(FOLD_BY)}, not {self.fold_by!r}", field="--fold-by")
        if not self.estimators or not self.policies:
            raise InputError("at least one estimator and one policy are needed")
