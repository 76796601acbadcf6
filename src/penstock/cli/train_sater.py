"""`penstock train sater`: a small model that answers briefly and refuses what it is not sure of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli._console import err, out, print_json, progress
from penstock.cli._help import listing

if TYPE_CHECKING:
    from rich.progress import TaskID


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(**listing())(sater)


def sater(
    model: Annotated[
        str, typer.Option("--model", help="A shipped model, an .onnx file of ours, or a Hugging Face model.")
    ],
    data: Annotated[
        Path, typer.Option("--data", help="Questions with references: CSV, JSON lines, Parquet or a table.")
    ],
    out_dir: Annotated[Path, typer.Option("--out", help="Folder of the stages; the same one goes on.")],
    scorer: Annotated[
        str | None,
        typer.Option(help="What is correct: {scorers}. Default: lab for our own models, else exact."),
    ] = None,
    pattern: Annotated[str | None, typer.Option(help="For the scorer regex.")] = None,
    samples: Annotated[int | None, typer.Option(min=2, help="Samples per question.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0.01, help="Of the samples.")] = None,
    full: Annotated[
        bool | None, typer.Option("--full/--lora", help="Train all weights, or low-rank adapters.")
    ] = None,
    rate_one: Annotated[float | None, typer.Option(help="Peak learning rate of Stage I.")] = None,
    rate_two: Annotated[float | None, typer.Option(help="Peak learning rate of Stage II.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Rows per training step.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest response.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of samples and order.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summaries as JSON.")] = False,
) -> None:
    """Teach a small model to answer briefly (Stage I) and to refuse what it is
    not sure of (Stage II), after SATER (EMNLP 2025). Needs the train extra.

    Every stage has a folder with what it was given and made, as Parquet and
    JSON. Given again, the command skips finished stages and goes on.

    Example: penstock train sater --model small --data questions.jsonl --out sater/
    """
    from penstock.outcomes.scorers.named import scorer_named
    from penstock.training.sater.run import Run, train_sater
    from penstock.training.sater.samples import read_questions
    from penstock.training.sater.settings import adjusted
    from penstock.training.sater.trainee import embedded_path

    embedded = embedded_path(model) is not None
    name = scorer or ("lab" if embedded else "exact")
    settings = adjusted(
        embedded=embedded,
        seed=seed,
        k=samples,
        temperature=temperature,
        max_new_tokens=max_tokens,
        lora=None if full is None else not full,
        rate_one=rate_one,
        rate_two=rate_two,
        batch=batch,
    )
    told = name if pattern is None else f"{name} {pattern}"
    run = Run(model, read_questions(data), scorer_named(name, pattern=pattern), told, settings, out_dir, data)
    with progress() as display:
        tasks: dict[str, TaskID] = {}

        def show(what: str, step: int, steps: int, loss: float) -> None:
            task = tasks.get(what)
            if task is None:
                task = tasks[what] = display.add_task(what, total=steps)
            suffix = f" (loss {loss:.3f})" if loss else ""
            display.update(task, completed=step, total=steps, description=what + suffix)

        try:
            summaries = train_sater(run, show)
        except KeyboardInterrupt:
            err.print("Stopped; finished stages are kept, and the same command goes on.")
            raise
    if as_json:
        print_json({"out": out_dir, "stages": summaries})
    else:
        _print(summaries, out_dir)


def _print(summaries: dict[str, Any], folder: Path) -> None:
    from rich.table import Table

    first, pairs = summaries["1-samples"], summaries["2-stage-one"]
    second, rows = summaries["3-samples"], summaries["4-stage-two"]
    out.print(
        f"Stage I: {pairs['pairs']:,} pairs of {first['questions']:,} questions "
        f"({_dropped(pairs)}); responses of {first['mean_tokens']:.1f} tokens became "
        f"{second['mean_tokens']:.1f}, samples correct {first['correct']:.1%}, then {second['correct']:.1%}.",
        soft_wrap=True,
    )
    out.print(
        f"Stage II: {rows['rows']:,} rows, {rows['refusals']:.0%} of those with a threshold refuse "
        f"({_dropped(rows)}).",
        soft_wrap=True,
    )
    if "5-evaluation" in summaries:
        found = summaries["5-evaluation"]
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("on questions kept out")
        for heading in ("accuracy", "tokens", "refused", "accuracy of answered"):
            table.add_column(heading, justify="right")
        for name, figures in found["without_threshold"].items():
            table.add_row(name, *_cells(figures))
        for threshold, figures in found["stage_two_by_threshold"].items():
            table.add_row(f"stage two at {threshold}", *_cells(figures))
        out.print(table)
    out.print(f"The trained model stands in {folder / '4-stage-two'}.", soft_wrap=True)


def _dropped(summary: dict[str, Any]) -> str:
    reasons = [f"{count:,} {why}" for why, count in summary["dropped_questions"].items() if count]
    return "dropped: " + "; ".join(reasons) if reasons else "none dropped"


def _cells(figures: dict[str, Any]) -> list[str]:
    answered = figures["accuracy_of_answered"]
    return [
        f"{figures['accuracy']:.3f}",
        f"{figures['mean_tokens']:.1f}",
        f"{figures['refused']:.0%}",
        "-" if answered is None else f"{answered:.3f}",
    ]
