"""`penstock train align`: may a router trained on one metric, or one pair of models, serve another?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli._console import out, print_json
from penstock.cli._fitting import split_names
from penstock.errors import InputError

if TYPE_CHECKING:
    from penstock.training.hybrid.alignment import Alignment


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(align)


def align(
    data: Annotated[Path, typer.Option("--data", help="Table with the quality a router is trained on.")],
    pair: Annotated[str, typer.Option("--pair", help="Weaker and stronger model: small,large.")],
    other: Annotated[
        Path | None, typer.Option("--other", help="Table with the other quality; default: the same table.")
    ] = None,
    other_pair: Annotated[
        str | None, typer.Option("--other-pair", help="Another pair of models; default: the same pair.")
    ] = None,
    least: Annotated[float, typer.Option(min=0.0, max=1.0, help="Both correlations must reach this.")] = 0.44,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Correlate two quality gaps query by query: go where a router of the one can serve the other.

    A small sample is enough: collect both metrics, or both pairs, on some hundred queries before training.

    Example: penstock train align --data bart/ --other judged/ --pair small,large
    """
    from penstock.training.hybrid.alignment import align as correlate

    if other is None and other_pair is None:
        raise InputError(
            "there is nothing to compare with", hint="Give --other TABLE, --other-pair A,B, or both"
        )
    first, second = _gaps(data, pair), _gaps(other or data, other_pair or pair)
    common = [query for query in first if query in second]
    if not common:
        raise InputError("the tables have no query in common that all four answers are scored on")
    import numpy as np

    found = correlate(*(np.array([gaps[q] for q in common]) for gaps in (first, second)), least=least)
    if as_json:
        print_json(found)
    else:
        _print(found, least)


def _gaps(table: Path, pair: str) -> dict[str, float]:
    """Mean quality of the weaker model minus that of the stronger, by query."""
    from penstock.outcomes.io import read_table
    from penstock.training.hybrid.samples import samples_of

    names = split_names(pair)
    if len(names) != 2 or names[0] == names[1]:
        raise InputError(f"{pair!r} is not two models", field="--pair", hint="--pair small,large")
    samples, _ = samples_of(read_table(table, allow_unscored=True), names)
    mean = samples.mean
    gaps = mean[:, 0] - mean[:, 1]
    return {query.id: float(gap) for query, gap in zip(samples.queries, gaps, strict=True)}


def _print(found: Alignment, least: float) -> None:
    for name, value, (low, high) in (
        ("Pearson r", found.pearson, found.pearson_ci95),
        ("Spearman rho", found.spearman, found.spearman_ci95),
    ):
        out.print(f"{name:<13} {value:.2f} [dim]({low:.2f} to {high:.2f})[/]")
    verdict = "[bold green]go[/]" if found.go else "[bold red]no-go[/]"
    unsure = "" if found.certain else f"; the intervals reach across {least:g}, so a larger sample is needed"
    out.print(f"{verdict} on {found.n:,} queries{unsure}")
