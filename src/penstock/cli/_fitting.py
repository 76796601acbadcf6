"""Options and steps that ``fit`` and ``evaluate`` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli._console import progress
from penstock.errors import InputError

if TYPE_CHECKING:
    from penstock.fitting.settings import FitSettings, Progress
    from penstock.outcomes.matrix import OutcomeMatrix

Candidates = Annotated[
    str | None, typer.Option("--candidates", help="Only these candidates, separated by commas.")
]
EstimatorName = Annotated[
    str,
    typer.Option(
        "--estimator",
        help="auto (several, chosen by replay), or names by commas: {estimators}, ensemble (the others' "
        "mean); add +isotonic or +platt to calibrate.",
    ),
]
PolicyName = Annotated[
    str,
    typer.Option(
        "--policy",
        help="auto, or names by commas: {policies}.",
    ),
]
PostHocName = Annotated[
    str,
    typer.Option(
        "--post-hoc", help="What answers tell once they came: auto, or names by commas: {post_hoc}."
    ),
]
Features = Annotated[
    str, typer.Option("--features", help="What estimators may use: prompt, task or prompt+task.")
]
Prices = Annotated[
    Path | None, typer.Option("--prices", help="Price list (CSV, JSON, YAML or LiteLLM's map).")
]
Cost = Annotated[
    str,
    typer.Option("--cost", help="What counts as cost: usd, latency (seconds), or usd+W*latency."),
]
Compare = Annotated[
    str,
    typer.Option(
        "--compare", help="How answers are found to be the same: {comparisons} (meaning needs --embeddings)."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Of folds, draws and fits.")]


def settings_from(
    estimator: str,
    policy: str,
    features: str,
    fold_by: str,
    seed: int,
    time_limit: float | None = None,
    compare: str = "text",
    post_hoc: str = "auto",
) -> FitSettings:
    """Settings from the command line's words; InputError for an unknown one."""
    from dataclasses import replace

    from penstock.fitting.settings import AUTO, POLICIES, POST_HOC, FitSettings

    usual = (*AUTO, "task_mean") if "task" in features else AUTO
    settings = FitSettings(
        estimators=usual if estimator == "auto" else split_names(estimator),
        policies=POLICIES if policy == "auto" else split_names(policy),
        post_hoc=POST_HOC if post_hoc == "auto" else split_names(post_hoc),
        features=features,
        fold_by=fold_by,
        seed=seed,
        compare=compare,
    )
    return settings if time_limit is None else replace(settings, time_limit=time_limit)


def split_names(text: str) -> tuple[str, ...]:
    """Names separated by commas; InputError where there is none."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InputError(f"{text!r} holds no name; write names separated by commas")
    return names


def read_matrix(table: Path, prices: Path | None, seed: int, cost: str = "usd") -> OutcomeMatrix:
    """The table at a path as arrays, its costs in the unit named ``cost``."""
    from penstock.outcomes.cost_unit import CostUnit
    from penstock.outcomes.io import read_table
    from penstock.outcomes.to_matrix import to_matrix

    unit = CostUnit.parse(cost)
    return to_matrix(read_table(table, prices=prices), seed=seed, cost_unit=unit)


@contextmanager
def fitting_progress() -> Iterator[Progress]:
    """A progress bar that fitting reports to."""
    with progress() as display:
        bar = display.add_task("fitting", total=1)

        def report(what: str, done: int, total: int) -> None:
            display.update(bar, description=what, completed=done, total=total)

        yield report
