"""The four ways to say what is wanted, shared by every verb that takes a target."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock.errors import InputError
from penstock.router.targets import Target, TargetKind

Budget = Annotated[
    float | None,
    typer.Option(
        "--budget", help="Spend at most this much per query on average, in USD (or what --cost says)."
    ),
]
MinQuality = Annotated[
    float | None,
    typer.Option("--min-quality", help="Keep at least this share of the best candidate's quality."),
]
Savings = Annotated[
    float | None, typer.Option("--savings", help="Save at least this share of the best candidate's cost.")
]
StrongShare = Annotated[
    float | None,
    typer.Option("--strong-share", help="Send at most this share of queries to the best candidate."),
]


def one_target(
    budget: float | None, min_quality: float | None, savings: float | None, strong_share: float | None
) -> Target | None:
    """The target that was given; None for none, InputError for several."""
    given = [
        Target(kind, value)
        for kind, value in (
            (TargetKind.BUDGET, budget),
            (TargetKind.QUALITY, min_quality),
            (TargetKind.SAVINGS, savings),
            (TargetKind.STRONG_SHARE, strong_share),
        )
        if value is not None
    ]
    if len(given) > 1:
        raise InputError("give one of --budget, --min-quality, --savings and --strong-share, not several")
    return given[0] if given else None
