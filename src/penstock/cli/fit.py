"""`penstock fit`: from a table of outcomes to a router."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli._console import out, print_json
from penstock.cli._embeddings import FitEmbeddings, require_embeddings
from penstock.cli._fitting import (
    Candidates,
    Compare,
    Cost,
    EstimatorName,
    Features,
    PolicyName,
    PostHocName,
    Prices,
    Seed,
    fitting_progress,
    read_matrix,
    settings_from,
    split_names,
)
from penstock.cli._help import listing
from penstock.cli._targets import Budget, MinQuality, Savings, StrongShare, one_target
from penstock.collection.open_router import fitting_embedder
from penstock.errors import InputError, TargetError

if TYPE_CHECKING:
    from penstock.fitting.forecast import Estimate, Expectation
    from penstock.fitting.result import Fit
    from penstock.router.targets import Target


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(**listing())(fit)


def fit(
    table: Annotated[Path, typer.Argument(help="Outcome table: a folder of queries and outcomes.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The router to write.")] = Path(
        "router.penstock"
    ),
    budget: Budget = None,
    min_quality: MinQuality = None,
    savings: Savings = None,
    strong_share: StrongShare = None,
    candidates: Candidates = None,
    estimator: EstimatorName = "auto",
    policy: PolicyName = "auto",
    post_hoc: PostHocName = "auto",
    features: Features = "prompt",
    embeddings: FitEmbeddings = None,
    compare: Compare = "text",
    fold_by: Annotated[
        str,
        typer.Option("--fold-by", help="Cross-fit by question (group), or with whole tasks left out (task)."),
    ] = "group",
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Never mix two policies at random, at some loss.")
    ] = False,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", help="Seconds to try estimators in (default 240).", show_default=False),
    ] = None,
    step_trials: Annotated[
        int,
        typer.Option(
            "--step-trials",
            min=0,
            help="Settings to try per point for prices per step of cascade_routing and optimal_cascade.",
        ),
    ] = 0,
    prices: Prices = None,
    cost: Cost = "usd",
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit a router to a table of outcomes and a target, and write it.

    Prints what was asked beside what is expected (cross-fitted, with 95% intervals) and beside the controls.

    Example: penstock fit outcomes/ --budget 0.002 -o router.penstock
    """
    target = one_target(budget, min_quality, savings, strong_share)
    if target is None:
        raise InputError(
            "no target was given",
            hint="Add --budget USD, --min-quality SHARE, --savings SHARE or --strong-share SHARE",
        )
    settings = settings_from(estimator, policy, features, fold_by, seed, time_limit, compare, post_hoc)
    settings = replace(settings, step_trials=step_trials)
    require_embeddings(compare, embeddings)
    embedder = fitting_embedder(embeddings)
    grid = read_matrix(table, prices, seed, cost)
    names = None if candidates is None else split_names(candidates)
    from penstock.fitting.fit import fit_matrix
    from penstock.fitting.result import without_mixing

    with fitting_progress() as report:
        fitted = fit_matrix(grid, settings, candidates=names, progress=report, embedder=embedder)
    if deterministic:
        fitted = without_mixing(fitted)
    expected = _save(fitted, target, output, seed, table)
    if as_json:
        print_json({**_summary(fitted, expected, output), "embeddings": embeddings})
    else:
        _print(fitted, expected, output, embeddings)


def _save(fitted: Fit, target: Target, output: Path, seed: int, table: Path) -> Expectation:
    """Write the router; a target out of reach writes nothing and names the cheapest candidate."""
    from datetime import UTC, datetime

    from penstock import __version__
    from penstock.fitting.forecast import expect
    from penstock.fitting.result import router_of
    from penstock.router.bundle import save_bundle

    try:
        expected = expect(fitted, target, seed=seed)
    except TargetError as error:
        cheapest = fitted.fixed_mixture.points[0]
        raise TargetError(
            f"{error}. The cheapest candidate is {_name(fitted, 0)} at {cheapest.cost:.6g} "
            f"{fitted.cost_unit.label} per query"
        ) from error
    provenance = {
        "table": table.name,
        "fitted_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "penstock": __version__,
        "left_out": fitted.selection.left_out,
    }
    save_bundle(router_of(fitted, target, seed=seed, provenance=provenance), output)
    return expected


def _summary(fitted: Fit, expected: Expectation, output: Path) -> dict[str, Any]:
    return {
        "router": str(output),
        "chosen": fitted.chosen,
        "why": fitted.why,
        "rows": fitted.rows,
        "dropped": fitted.dropped,
        "candidates": fitted.selection.names,
        "left_out": fitted.selection.left_out,
        "best_fixed": fitted.selection.best_fixed,
        "cost_unit": str(fitted.cost_unit),
        "asked": str(expected.target),
        "expected": {
            "cost": expected.cost,
            "quality": expected.quality,
            "saving": expected.saving,
            "quality_ratio": expected.quality_ratio,
            "strong_share": expected.strong_share,
        },
        "controls_at_same_cost": {"mix": expected.mix_quality, "oracle": expected.oracle_quality},
        "options": {
            name: {
                "auc": option.auc,
                "cleared": option.kept,
                "tried": option.tried,
                "seconds": option.seconds,
            }
            for name, option in fitted.options.items()
        },
        "notes": fitted.notes,
    }


def _print(fitted: Fit, expected: Expectation, output: Path, embeddings: str | None) -> None:
    from rich.markup import escape
    from rich.table import Table

    names, best = fitted.selection.names, fitted.fixed_mixture.best_fixed
    out.print(
        f"Fitted on {fitted.rows:,} queries, {len(names)} candidates"
        + (f" ({fitted.dropped} incomplete rows not tuned on)" if fitted.dropped else "")
        + (f"; {len(fitted.selection.left_out)} left out" if fitted.selection.left_out else "")
    )
    for note in fitted.notes:
        out.print(f"[yellow]note:[/] {note}")
    out.print(
        f"Best fixed candidate: {escape(fitted.selection.best_fixed)}; cheapest: {escape(_name(fitted, 0))}"
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("per query", f"expected at {expected.target}", "mix", "oracle", "best fixed", "cheapest"):
        table.add_column(heading, justify="left" if heading == "per query" else "right")
    cost, cheapest = expected.cost.value, fitted.fixed_mixture.points[0]
    spent = [cost, cost, best.cost, cheapest.cost]
    reached = [expected.mix_quality, expected.oracle_quality, best.quality, cheapest.quality]
    table.add_row(fitted.cost_unit.label, _with_ci(expected.cost, ".3g"), *(f"{c:.3g}" for c in spent))
    table.add_row("quality", _with_ci(expected.quality, ".3f"), *(_number(q, ".3f") for q in reached))
    table.add_row("saving", _with_ci(expected.saving, ".0%"), *(f"{1 - c / best.cost:.0%}" for c in spent))
    table.add_row(
        "quality kept",
        _with_ci(expected.quality_ratio, ".1%"),
        *(_number(q / best.quality if q is not None and best.quality else None, ".1%") for q in reached),
    )
    out.print(table)
    out.print("[dim]mix and oracle at the expected cost; 95% intervals over cross-fitted rows[/]")
    option = fitted.option
    if option.kept:
        out.print(
            f"Chosen: [bold]{fitted.chosen}[/] of {len(fitted.options)} options: {fitted.why}. "
            f"Above the mix with {fitted.guard_level:.0%} confidence; "
            f"{option.kept} of {option.tried} settings stay."
        )
    else:
        out.print(f"Chosen: [bold]the mix[/]: {fitted.why}.")
    again = "" if embeddings is None else f" --embeddings {escape(embeddings)}"
    out.print(f'Wrote {output}. Next: penstock route {output} "your prompt"{again}')


def _with_ci(estimate: Estimate, style: str) -> str:
    low, high = estimate.ci95
    return f"[bold]{estimate.value:{style}}[/] [dim]({low:{style}}–{high:{style}})[/]"


def _number(value: float | None, style: str) -> str:
    return "–" if value is None else f"{value:{style}}"


def _name(fitted: Fit, vertex: int) -> str:
    policy = fitted.fixed_mixture.points[vertex].policy
    return policy.describe(fitted.selection.names).removeprefix("always ")
