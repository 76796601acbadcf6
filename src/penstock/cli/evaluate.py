"""`penstock evaluate`: how fitted routers do on rows they have not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
from penstock.collection.open_router import fitting_embedder, load_router
from penstock.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(**listing())(evaluate)


def evaluate(
    router: Annotated[
        Path | None, typer.Argument(help="A router written by 'penstock fit', instead of --fit.")
    ] = None,
    fit: Annotated[Path | None, typer.Option("--fit", help="Outcome table to fit on.")] = None,
    test: Annotated[Path | None, typer.Option("--test", help="Outcome table to test on.")] = None,
    candidates: Candidates = None,
    policy: PolicyName = "auto",
    estimator: EstimatorName = "auto",
    post_hoc: PostHocName = "auto",
    features: Features = "prompt",
    embeddings: FitEmbeddings = None,
    compare: Compare = "text",
    task_out: Annotated[
        bool, typer.Option("--task-out", help="Test only on tasks whose rows were left out of the fit.")
    ] = False,
    tradeoff: Annotated[
        str | None,
        typer.Option(
            "--tradeoff",
            help="SMALL,LARGE: SATER's trade-off area, gain ratio and latencies between two candidates.",
        ),
    ] = None,
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
        _refuse_fitting_flags(
            candidates, policy, estimator, post_hoc, features, cost, compare, task_out=task_out
        )
    name, ends = test.resolve().name, None if tradeoff is None else _two_names(tradeoff)
    if ends is not None and task_out:
        raise InputError("is measured with one fit, not with tasks left out", field="--tradeoff")
    if router is not None:
        document = _evaluate_router(router, embeddings, test, prices, seed, draws, ends)
    else:
        assert fit is not None
        settings = settings_from(
            estimator, policy, features, "group", seed, compare=compare, post_hoc=post_hoc
        )
        require_embeddings(compare, embeddings)
        names = None if candidates is None else split_names(candidates)
        grids = read_matrix(fit, prices, seed, cost), read_matrix(test, prices, seed, cost)
        embedder = fitting_embedder(embeddings)
        document = _evaluate_fit(*grids, settings, names, name, draws, embedder, task_out=task_out, ends=ends)
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
    post_hoc: str,
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
        "--post-hoc": post_hoc != "auto",
        "--features": features != "prompt",
        "--cost": cost != "usd",
        "--compare": compare != "text",
        "--task-out": task_out,
    }
    for flag, stands in given.items():
        if stands:
            raise InputError("says how to fit, and a router is fitted already", field=flag, hint="Use --fit")


def _evaluate_router(
    router: Path, embeddings: str | None, test: Path, prices: Path | None, seed: int, draws: int, ends: Any
) -> dict[str, Any]:
    """On costs in the unit the router was fitted on."""
    from penstock.evaluation.evaluate import evaluate_router

    loaded = load_router(router, embeddings)
    grid = read_matrix(test, prices, seed, str(loaded.cost_unit))
    return evaluate_router(loaded, grid, dataset=test.resolve().name, draws=draws, ends=ends)


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
    ends: tuple[str, str] | None,
) -> dict[str, Any]:
    from penstock.evaluation.evaluate import evaluate_fit, evaluate_task_out
    from penstock.fitting.fit import fit_matrix

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
        fitted = fit_matrix(fitting, settings, candidates=names, progress=report, embedder=embedder)
        return evaluate_fit(fitted, test, dataset=name, draws=draws, seed=settings.seed, ends=ends)


def _two_names(text: str) -> tuple[str, str]:
    names = split_names(text)
    if len(names) != 2:
        raise InputError(f"{text!r} is not of the form SMALL,LARGE", field="--tradeoff")
    return names[0], names[1]


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
    if "tradeoff" in document:
        out.print(_tradeoff(document["tradeoff"]))
    chosen_item = document["policies"].get(document["chosen"], {})
    if chosen_item.get("gain_ratio_reason"):
        out.print(f"[dim]gain ratio undefined: {chosen_item['gain_ratio_reason']}[/]")


def _plain(value: float | None, style: str) -> str:
    return "–" if value is None else f"{value:{style}}"


def _interval(values: list[float] | None) -> str:
    return "" if values is None else f"[dim]{values[0]:.2f}–{values[1]:.2f}[/]"


def _tradeoff(found: dict[str, Any]) -> str:
    waits = ""
    if found["agl"] is not None:
        waits = f"; waiting {found['agl']:.3g} s where resolved, {found['arol']:.3g} s before passing on"
    return (
        f"{found['small']} to {found['large']}: trade-off area {found['toa']:.4f} (random "
        f"{found['toa_random']:.4f}, golden {found['toa_golden']:.4f}), gain ratio {found['togr']:.3f}{waits}"
    )
