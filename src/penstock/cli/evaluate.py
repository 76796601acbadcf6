"""`penstock evaluate`: how fitted routers do on rows they have not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli._console import out, print_json
from penstock.cli._embeddings import FitEmbeddings, fitting_embedder, load_router, require_embeddings
from penstock.cli._fitting import (
    Candidates,
    Compare,
    Cost,
    EstimatorName,
    Features,
    PolicyName,
    Prices,
    Seed,
    fitting_progress,
    read_grid,
    settings_from,
    split_names,
)
from penstock.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(evaluate)


def evaluate(
    router: Annotated[
        Path | None, typer.Argument(help="A router written by 'penstock fit', instead of --fit.")
    ] = None,
    fit: Annotated[Path | None, typer.Option("--fit", help="Outcome table to fit on.")] = None,
    test: Annotated[Path | None, typer.Option("--test", help="Outcome table to test on.")] = None,
    candidates: Candidates = None,
    policy: PolicyName = "auto",
    estimator: EstimatorName = "auto",
    features: Features = "prompt",
    embeddings: FitEmbeddings = None,
    compare: Compare = "text",
    task_out: Annotated[
        bool, typer.Option("--task-out", help="Test only on tasks whose rows were left out of the fit.")
    ] = False,
    prices: Prices = None,
    cost: Cost = "usd",
    seed: Seed = 0,
    draws: Annotated[int, typer.Option(min=50, help="Bootstrap draws for intervals.")] = 1000,
    report: Annotated[Path | None, typer.Option("--report", help="Write an HTML report here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replay fitted policies on test rows and print them beside the controls, with 95% intervals.

    Everything is fitted and tuned on the fitting table; the policy and estimator that fitting chose by itself
    are marked. Example: penstock evaluate --fit train/ --test test/ --report report.html
    """
    if test is None:
        raise InputError("no test table was given", field="--test")
    if (fit is None) == (router is None):
        raise InputError("give either --fit TABLE or a router, and --test TABLE")
    if router is not None:
        _refuse_fitting_flags(candidates, policy, estimator, features, cost, compare, task_out=task_out)
    name = test.resolve().name
    if router is not None:
        document = _evaluate_router(router, embeddings, test, prices, seed, draws)
    else:
        assert fit is not None
        settings = settings_from(estimator, policy, features, "group", seed, compare=compare)
        require_embeddings(compare, embeddings)
        names = None if candidates is None else split_names(candidates)
        grids = read_grid(fit, prices, seed, cost), read_grid(test, prices, seed, cost)
        embedder = fitting_embedder(embeddings)
        document = _evaluate_fit(*grids, settings, names, name, draws, embedder, task_out=task_out)
    if report is not None:
        _write_report(document, report)
    if as_json:
        print_json(document)
    else:
        print_evaluation(document)
        if report is not None:
            out.print(f"Report: {report}")


def _refuse_fitting_flags(
    candidates: str | None,
    policy: str,
    estimator: str,
    features: str,
    cost: str,
    compare: str,
    *,
    task_out: bool,
) -> None:
    """A router is evaluated as it was fitted: flags that say how to fit would be ignored."""
    given = {
        "--candidates": candidates is not None,
        "--policy": policy != "auto",
        "--estimator": estimator != "auto",
        "--features": features != "prompt",
        "--cost": cost != "usd",
        "--compare": compare != "text",
        "--task-out": task_out,
    }
    for flag, stands in given.items():
        if stands:
            raise InputError("says how to fit, and a router is fitted already", field=flag, hint="Use --fit")


def _evaluate_router(
    router: Path, embeddings: str | None, test: Path, prices: Path | None, seed: int, draws: int
) -> dict[str, Any]:
    """On costs in the unit the router was fitted on."""
    from penstock.evaluation.evaluate import evaluate_router

    loaded = load_router(router, embeddings)
    grid = read_grid(test, prices, seed, str(loaded.cost_unit))
    return evaluate_router(loaded, grid, dataset=test.resolve().name, draws=draws)


def _evaluate_fit(
    fitting: Any,
    test: Any,
    settings: Any,
    names: tuple[str, ...] | None,
    name: str,
    draws: int,
    embedder: Any,
    *,
    task_out: bool,
) -> dict[str, Any]:
    from penstock.evaluation.evaluate import evaluate_fit, evaluate_task_out
    from penstock.fitting.fit import fit_grid

    with fitting_progress() as report:
        if task_out:
            return evaluate_task_out(
                fitting,
                test,
                settings,
                dataset=name,
                candidates=names,
                draws=draws,
                progress=report,
                embedder=embedder,
            )
        fitted = fit_grid(fitting, settings, candidates=names, progress=report, embedder=embedder)
        return evaluate_fit(fitted, test, dataset=name, draws=draws, seed=settings.seed)


def _write_report(document: dict[str, Any], path: Path) -> None:
    from penstock.report.report import render_report

    try:
        path.write_text(render_report([document], title=f"penstock: {document['dataset']}"), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=path, field="--report") from error


def print_evaluation(document: dict[str, Any]) -> None:
    """One evaluation as a table."""
    from rich.table import Table

    from penstock.outcomes.cost_unit import CostUnit

    controls = document["controls"]
    dropped = document["dropped_rows"]["test"]
    out.print(
        f"[bold]{document['dataset']}[/]: fitted on {document['fit_queries']:,} queries, tested on "
        f"{document['test_queries']:,}" + (f" ({dropped} incomplete dropped)" if dropped else "")
    )
    best, cheapest = controls["best_fixed"], controls["cheapest"]
    unit = CostUnit.parse(document["cost_unit"]).label
    out.print(
        f"best fixed {document['best_fixed']}: {best['quality']:.4f} at {best['cost']:.4g} {unit}; cheapest: "
        f"{cheapest['quality']:.4f} at {cheapest['cost']:.4g} {unit}"
    )
    for note in document["notes"]:
        out.print(f"[yellow]note:[/] {note}")
    table = Table(box=None, pad_edge=False, header_style="dim")
    headings = ("AUC", "gain", "", "@95%", "@99%", "kept", "@100%")
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for label, key in (("oracle", "oracle"), ("mix", "mix"), ("hindsight mix", "hindsight_mix")):
        table.add_row(f"[dim]  {label}[/]", _plain(controls[key]["auc"], ".3f"), "", "", "", "", "", "")
    for name, item in document["policies"].items():
        chosen = name == document["chosen"]
        saving = item["saving"]
        table.add_row(
            f"[bold]→ {name}[/]" if chosen else f"  {name}",
            _plain(item["auc"], ".3f"),
            _plain(item["gain_ratio"], ".2f"),
            _interval(item["gain_ratio_ci95"]),
            _plain(saving["0.95"]["saving"], ".0%"),
            _plain(saving["0.99"]["saving"], ".0%"),
            _plain(saving["0.99"]["quality_ratio"], ".1%"),
            _plain(saving["1.0"]["saving"], ".0%"),
        )
    out.print(table)
    out.print(
        "[dim]→ chosen on fitting rows. gain: share of the way from the mix to the oracle, 95% interval. "
        "@95%, @99%, @100%: saving of the best fixed candidate's cost at points tuned to keep that share "
        "of its quality; kept: the share kept at @99%.[/]"
    )
    chosen_item = document["policies"].get(document["chosen"], {})
    if chosen_item.get("gain_ratio_reason"):
        out.print(f"[dim]gain ratio undefined: {chosen_item['gain_ratio_reason']}[/]")


def _plain(value: float | None, style: str) -> str:
    return "–" if value is None else f"{value:{style}}"


def _interval(values: list[float] | None) -> str:
    return "" if values is None else f"[dim]{values[0]:.2f}–{values[1]:.2f}[/]"
