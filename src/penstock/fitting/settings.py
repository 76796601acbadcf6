"""What can be set about a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from penstock import registry
from penstock.belief import GoesBy
from penstock.errors import InputError
from penstock.estimators.ex_ante.ensemble import ENSEMBLE
from penstock.estimators.ex_ante.named import estimator
from penstock.estimators.post_hoc.base import PostHocEstimator
from penstock.fitting.threads import cores
from penstock.policies.base import Policy
from penstock.registry import Room

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""

FEATURES = ("prompt", "task", "prompt+task")
FOLD_BY = ("group", "task")
AUTO = ("knn", "kmeans", "ridge", "logistic", "kernel", "stack", ENSEMBLE)
"""``--estimator auto``, by the time they take: where that runs out the last are left out."""
POLICIES = ("routing", "cascade", "index", "lookahead")
"""``--policy auto``."""
POST_HOC = ("logistic", "agreement")
"""``--post-hoc auto``."""

FOLDS, MANY_FOLDS, FEW_ROWS = 5, 10, 2_000
GUARD_LEVEL = {"group": 0.95, "task": 0.8}
"""By what is held out. Tasks are few, and the guard's bound with few is wide: at 95% ten tasks have to agree
so well that real gains are left (docs/decisions/0013)."""


@dataclass(frozen=True)
class FitSettings:
    """How a router is fitted. Raises ``InputError`` for a name that is not registered and for settings that
    mean nothing."""

    estimators: tuple[str, ...] = AUTO
    """Estimates before the call to try, by name; ``ensemble`` is the mean of the others."""
    policies: tuple[str, ...] = POLICIES
    """Policies to try, by name."""
    post_hoc: tuple[str, ...] = POST_HOC
    """Estimates after the call, by name: each policy is tuned on those that go by what it goes by."""
    features: str = "prompt"
    """What estimators may use: the task's name only where it will be known at decision time."""
    folds: int | None = None
    """For cross-fitting. None: 5; 10 by question below 2,000 rows, where a fit on four fifths of them is
    worse than the one that ships."""
    fold_by: str = "group"
    """Rows are held out by question (``group``), or as whole tasks (``task``: for traffic whose tasks the
    table does not hold)."""
    compare: str = "text"
    """How answers are found to be the same, by the name of a comparison."""
    step_trials: int = 0
    """Settings tried per point for prices per step of cascade routing and the optimal cascade; 0: one price
    for all steps."""
    directions: int = 96
    """Of prompts' n-grams that are kept."""
    guard_level: float | None = None
    """How sure the guard has to be that something is above the fixed mixture; None: by ``GUARD_LEVEL``."""
    time_limit: float | None = 240.0
    """In seconds, kept to between estimators; None: none."""
    seed: int = 0
    """Of folds, draws and fits."""
    threads: int | None = None
    """None: one per core. They change nothing but the time."""

    def __post_init__(self) -> None:
        if self.features not in FEATURES:
            raise InputError(
                f"must be one of {', '.join(FEATURES)}, not {self.features!r}", field="--features"
            )
        if self.fold_by not in FOLD_BY:
            raise InputError(f"must be one of {', '.join(FOLD_BY)}, not {self.fold_by!r}", field="--fold-by")
        if not self.estimators or not self.policies:
            raise InputError("at least one estimator and one policy are needed")
        if ENSEMBLE in self.estimators and len(set(self.estimators)) < 3:
            raise InputError(
                f"{ENSEMBLE!r} is the mean of the other estimators named: name at least two beside it",
                field="--estimator",
            )
        if self.guard_level is not None and not 0.5 <= self.guard_level < 1.0:
            raise InputError(
                f"must be at least 0.5 and below 1, not {self.guard_level:g}", field="guard_level"
            )
        if self.time_limit is not None and not self.time_limit > 0:
            raise InputError(f"must be above 0, not {self.time_limit:g}", field="--time-limit")
        if self.step_trials < 0:
            raise InputError(f"must be at least 0, not {self.step_trials}", field="--step-trials")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"must be at least 1, not {self.threads}", field="threads")
        self._check_names()

    def _check_names(self) -> None:
        for name in self.estimators:
            if name != ENSEMBLE:
                estimator(name)
        for name in self.policies:
            self.policy(name)
        for name in self.post_hoc:
            registry.find(Room.POST_HOC, name, field="--post-hoc")
        registry.find(Room.COMPARISON, self.compare, field="--compare")

    @staticmethod
    def policy(name: str) -> type[Policy]:
        """The policy of that name; InputError for an unknown one, and for one that is never tuned."""
        found: type[Policy] = registry.find(Room.POLICY, name, field="--policy")
        if not found.tunable():
            raise InputError(f"{name!r} has no settings to try", field="--policy")
        return found

    def policies_by(self, goes_by: GoesBy) -> tuple[str, ...]:
        """The policies to try that go by that."""
        return tuple(name for name in self.policies if self.policy(name).goes_by is goes_by)

    def post_hoc_estimators(self) -> list[tuple[str, PostHocEstimator]]:
        """Those that some policy is to be tuned on, by name."""
        found = [(name, registry.find(Room.POST_HOC, name)()) for name in self.post_hoc]
        return [(name, item) for name, item in found if self.policies_by(item.goes_by)]

    @property
    def guarded_at(self) -> float:
        """How sure the guard has to be."""
        return GUARD_LEVEL[self.fold_by] if self.guard_level is None else self.guard_level

    @property
    def looks(self) -> bool:
        """Whether a policy is to be tried that looks at answers."""
        return len(self.policies_by(GoesBy.NOTHING)) < len(self.policies)

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
