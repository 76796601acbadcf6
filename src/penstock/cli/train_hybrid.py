"""`penstock train hybrid`: an encoder that learns when the weaker model will do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli._console import err, out, print_json, progress
from penstock.cli._fitting import Prices, split_names
from penstock.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from penstock.fitting.result import Fit
    from penstock.outcomes.table import OutcomeTable
    from penstock.training.hybrid.recipe import TrainedRouter
    from penstock.training.hybrid.settings import HybridSettings

PAPER_ENCODER = "microsoft/deberta-v3-large"
ROUTER, ENCODED, PLAIN = "router.penstock", "routing/encoder", "routing/mean"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(hybrid)


def hybrid(
    data: Annotated[Path, typer.Option("--data", help="Outcome table, best with several samples per model.")],
    out_dir: Annotated[
        Path, typer.Option("--out", help="Folder for the encoder, the router and the report.")
    ],
    small: Annotated[
        str | None,
        typer.Option("--small", help="The weaker model, or several by commas; default: all others."),
    ] = None,
    large: Annotated[
        str | None, typer.Option("--large", help="The strongest model; default: of highest mean quality.")
    ] = None,
    labels: Annotated[
        str,
        typer.Option(
            help="det: one sample says who is better; prob: the share of pairs; trans: the share within t."
        ),
    ] = "trans",
    encoder: Annotated[
        str,
        typer.Option(
            help="A Hugging Face checkpoint or folder, scratch, or embedded:NAME. auto: "
            f"{PAPER_ENCODER} where there is a GPU, else scratch."
        ),
    ] = "auto",
    drop: Annotated[
        float, typer.Option(min=0.0, max=100.0, help="Percent of the strongest model's quality that may go.")
    ] = 1.0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training rows.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak rate.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Prompts per forward pass.")] = None,
    max_length: Annotated[int | None, typer.Option(min=8, help="Tokens read of a prompt.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp16, bf16 or fp32.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Of weights and order.")] = None,
    shares: Annotated[
        str, typer.Option(help="Shares of the questions for validation and for calibration.")
    ] = "0.15,0.25",
    prices: Prices = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what stands at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train an encoder that reads a prompt and says how likely a weaker model's answer is as good as the
    strongest one's, and write a router that uses it (needs the train extra; serving does not).

    Example: penstock train hybrid --data outcomes/ --small small --large large --labels trans --out hybrid/
    """
    _check_installed()
    from penstock.outcomes.io import read_table
    from penstock.training.hybrid.recipe import document, train_hybrid
    from penstock.training.hybrid.settings import settings_for

    settings = settings_for(
        _encoder(encoder),
        labels=labels,
        epochs=epochs,
        learning_rate=learning_rate,
        batch=batch,
        max_length=max_length,
        precision=precision,
        seed=seed,
    )
    _check_place(out_dir, resume=resume, overwrite=overwrite)
    table = read_table(data, prices=prices)
    with progress() as display:
        bar = display.add_task("reading", total=1)

        def show(what: str, step: int, steps: int, loss: float) -> None:
            suffix = f" (loss {loss:.3f})" if loss else ""
            display.update(bar, description=what + suffix, completed=step, total=steps)

        outcome = train_hybrid(
            table,
            out_dir,
            settings,
            weaker=None if small is None else split_names(small),
            strongest=large,
            shares=_shares(shares),
            drop_limit=drop,
            resume=resume,
            progress=show,
        )
        show("fit router", 0, 1, 0.0)
        fit, why_none = _write_router(outcome, table, settings, drop, out_dir / ROUTER)
    if as_json:
        router = None if fit is None else out_dir / ROUTER
        chosen = None if fit is None else fit.chosen
        about = {"router": router, "why_no_router": why_none, "chosen": chosen}
        print_json({**document(outcome, settings, drop), **about})
    else:
        _print(outcome, settings, drop)
        _print_router(fit, why_none, out_dir / ROUTER)


def _write_router(
    outcome: TrainedRouter, table: OutcomeTable, settings: HybridSettings, drop: float, path: Path
) -> tuple[Fit | None, str | None]:
    """Fit estimate, policy and guard on the calibration part, which the encoder has not seen.

    None, and why, where the table cannot carry a router: costs are unknown, for one.
    """
    from penstock.errors import TableError
    from penstock.fitting.fit import fit_matrix
    from penstock.fitting.result import MIX, router_of
    from penstock.fitting.settings import FitSettings
    from penstock.outcomes.to_matrix import to_matrix
    from penstock.router.bundle import save_bundle
    from penstock.router.targets import Target, TargetKind

    names = (*outcome.weaker, outcome.strongest)
    part = table.of_queries([query.id for query in outcome.calibration.queries])
    fitting = FitSettings(estimators=("mean",), policies=("routing",), seed=settings.seed)
    try:
        grid = to_matrix(part, names, seed=settings.seed)
        fit = fit_matrix(grid, fitting, candidates=names, text_model=outcome.model)
    except TableError as error:
        return None, error.message
    target = Target(TargetKind.QUALITY, 1 - drop / 100)
    provenance = {
        "table": table.name,
        "recipe": "hybrid",
        "labels": settings.labels,
        "encoder": settings.encoder,
    }
    # what was trained is what serves, where it clears the guard; what does as well without it is told
    fit = replace(fit, chosen=ENCODED if fit.options[ENCODED].kept else MIX)
    save_bundle(router_of(fit, target, seed=settings.seed, provenance=provenance), path)
    return fit, None


def _check_installed() -> None:
    from importlib.util import find_spec

    for module in ("torch", "transformers", "onnx", "onnxscript", "safetensors", "tokenizers", "onnxruntime"):
        if find_spec(module) is None:
            raise MissingExtra("train", f"training a router ({module})")


def _encoder(asked: str) -> str:
    """What ``auto`` means here; said aloud, because one downloads and the other does not."""
    if asked != "auto":
        return asked
    import torch

    chosen = PAPER_ENCODER if torch.cuda.is_available() else "scratch"
    why = "there is a GPU" if chosen == PAPER_ENCODER else "there is no GPU"
    err.print(f"[dim]encoder: {chosen} ({why}; --encoder chooses another)[/]")
    return chosen


def _check_place(folder: Path, *, resume: bool, overwrite: bool) -> None:
    from penstock.training.hybrid import checkpoints

    interrupted = checkpoints.present(folder)
    if resume and not interrupted:
        raise InputError("there is no interrupted run to resume", file=folder, field="--resume")
    if resume:
        return
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        hint = "add --resume to go on" if interrupted else "name another folder, or add --overwrite"
        what = "an interrupted run stands there" if interrupted else "something stands there already"
        raise InputError(what, file=folder, field="--out", hint=hint)
    if overwrite:
        checkpoints.remove(folder)


def _shares(text: str) -> tuple[float, float]:
    try:
        validation, calibration = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{text!r} is not two numbers", field="--shares", hint="--shares 0.15,0.25"
        ) from error
    return validation, calibration


def _print(outcome: TrainedRouter, settings: HybridSettings, drop: float) -> None:
    from rich.markup import escape
    from rich.table import Table

    trained, rows = outcome.trained, outcome.rows
    best = trained.history[trained.best_epoch]
    out.print(
        f"Trained [bold]{escape(settings.encoder)}[/] on {rows['training']:,} queries "
        f"({trained.device}, {trained.precision}): epoch {trained.best_epoch + 1} of {len(trained.history)} "
        f"is the best, rank correlation {best['spearman']:.2f} with the gap on {rows['validation']:,} others."
    )
    if rows["left_out"]:
        out.print(
            f"{rows['left_out']:,} queries without a prompt or without an answer of each were left out."
        )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in (f"against {escape(outcome.strongest)}", "easy", "t", "threshold", "calls saved", "drop"):
        table.add_column(heading, justify="left" if heading.startswith("against") else "right")
    for name, easy, t in zip(outcome.weaker, outcome.easy_share, outcome.t, strict=True):
        found = outcome.calibrated[name]
        table.add_row(
            escape(name),
            f"{easy:.0%}",
            f"{t:.3g}",
            f"{found.threshold:.3f}",
            f"[bold]{found.advantage:.0%}[/]",
            f"{found.drop:.2f}%",
        )
    out.print(table)
    out.print(
        f"[dim]thresholds for at most {drop:g}% drop on {rows['calibration']:,} queries the encoder has not "
        "seen; expect somewhat more on new ones[/]"
    )


def _print_router(fit: Fit | None, why_none: str | None, path: Path) -> None:
    if fit is None:
        out.print(f"[yellow]No router was written:[/] {why_none}")
        return
    if fit.option.kept:
        out.print(f"The router uses [bold]{fit.chosen}[/].")
        if fit.options[PLAIN].auc >= fit.option.auc:
            out.print("[yellow]note:[/] routing by expected cost alone does as well on these queries.")
    else:
        sure = f"{fit.guard_level:.0%} confidence"
        out.print(f"The router is [bold]the mix[/]: the encoder is not above it with {sure} here.")
    out.print(f"Wrote {path}. Next: penstock evaluate {path} --test TABLE", soft_wrap=True)
