"""What can be set about a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from penstock.errors import InputError
from penstock.estimators.agreement.comparison import MEANING
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.fitting.threads import cores

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""

FEATURES = ("prompt", "task", "prompt+task")
FOLD_BY = ("group", "task")
COMPARE = ("text", MEANING)
AUTO = ("knn", "kmeans", "ridge", "logistic", "kernel", "stack", ENSEMBLE)
"""``--estimator auto``, by the time they take: where that runs out the last are left out."""

FOLDS, MANY_FOLDS, FEW_ROWS = 5, 10, 2_000
CONFIDENCE = {"group": 0.95, "task": 0.8}
"""Of the guard, by what is held out. Tasks are few, and its bound with few is wide: at 95% ten tasks have to
agree so well that real gains are left (docs/decisions/0013)."""


@dataclass(frozen=True)
class FitSettings:
    """``estimators`` and ``policies`` to try, by name (``ensemble``: the mean of the other estimators); the
    ``features`` estimators may use (a task's name only where it will be known at decision time); ``folds``
    for cross-fitting (None: 5; 10 by question below 2,000 rows, where a fit on four fifths of them is worse
    than the one that ships), by question (``group``) or with whole tasks left out (``task``: for
    traffic whose tasks the table does not hold); ``compare``: whether answers are the same by a normal form
    of their ``text`` or by the ``meaning`` that an embedder finds in it; ``directions`` of text kept; the
    ``confidence`` of the guard (None: by ``CONFIDENCE``); ``time_limit`` in seconds (None: none), kept to
    between estimators; ``threads`` (None: one per core), which change nothing but the time."""

    estimators: tuple[str, ...] = AUTO
    policies: tuple[str, ...] = ("routing", "cascade", "index", "lookahead")
    features: str = "prompt"
    folds: int | None = None
    fold_by: str = "group"
    compare: str = "text"
    directions: int = 96
    confidence: float | None = None
    time_limit: float | None = 240.0
    seed: int = 0
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.features not in FEATURES:
            raise InputError(
                f"must be one of {', '.join(FEATURES)}, not {self.features!r}", field="--features"
            )
        if self.fold_by not in FOLD_BY:
            raise InputError(f"must be one of {', '.join(FOLD_BY)}, not {self.fold_by!r}", field="--fold-by")
        if self.compare not in COMPARE:
            raise InputError(f"must be one of {', '.join(COMPARE)}, not {self.compare!r}", field="--compare")
        if not self.estimators or not self.policies:
            raise InputError("at least one estimator and one policy are needed")
        if ENSEMBLE in self.estimators and len(set(self.estimators)) < 3:
            raise InputError(
                f"{ENSEMBLE!r} is the mean of the other estimators named: name at least two beside it",
                field="--estimator",
            )
        if self.confidence is not None and not 0.5 <= self.confidence < 1.0:
            raise InputError(f"must be at least 0.5 and below 1, not {self.confidence:g}", field="confidence")
        if self.time_limit is not None and not self.time_limit > 0:
            raise InputError(f"must be above 0, not {self.time_limit:g}", field="--time-limit")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"must be at least 1, not {self.threads}", field="threads")

    @property
    def guarded_at(self) -> float:
        """With which confidence what replaces the mix has to be above it."""
        return CONFIDENCE[self.fold_by] if self.confidence is None else self.confidence

    @property
    def looks(self) -> bool:
        """Whether a policy is to be tried that looks at answers."""
        return bool(set(self.policies) - {"routing"})

    @property
    def workers(self) -> int:
        """How many threads to work in. Raises MissingExtra without the ``fit`` extra."""
        return self.threads or cores()

    def folds_of(self, rows: int) -> int:
        """How many folds a table of so many rows is dealt into."""
        if self.folds is not None:
            return self.folds
        return MANY_FOLDS if self.fold_by == "group" and rows < FEW_ROWS else FOLDS

    def spent(self, started: float) -> bool:
        """Whether half the time limit is over, by ``perf_counter``; the other half is for replaying."""
        return self.time_limit is not None and perf_counter() - started > self.time_limit / 2
