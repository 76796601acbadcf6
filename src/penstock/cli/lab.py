"""`penstock lab`: build the embedded models, show what they can do, draw problems for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli._console import err, out, print_json, progress

if TYPE_CHECKING:
    from rich.progress import TaskID
    from rich.table import Table

    from penstock.lab.evaluate import Accuracy

app = typer.Typer(
    help="Train, measure and question the embedded models. Example: penstock lab table --n 480",
    no_args_is_help=True,
)


@app.command()
def build(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder to write; created if missing.")],
    models: Annotated[str, typer.Option(help="Which, separated by commas.")] = "tiny,small,large",
    seed: Annotated[int, typer.Option(help="Of weights and data.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="A few steps only, to try the machinery.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Train the models from scratch and write weights, tokenizer and manifest (needs the train extra).

    About 20 minutes on two cores for all three. Example: penstock lab build --out weights --models small
    """
    from penstock.lab.build import build as build_models

    with progress() as display:
        tasks: dict[str, TaskID] = {}

        def show(what: str, step: int, steps: int, loss: float) -> None:
            task = tasks.get(what)
            if task is None:
                task = tasks[what] = display.add_task(what, total=steps)
            suffix = f" (loss {loss:.3f})" if loss else ""
            display.update(task, completed=step, description=what + suffix)

        manifest = build_models(out_dir, _names(models), seed, quick=quick, progress=show)
    if as_json:
        print_json(manifest)
        return
    for name, entry in manifest["models"].items():
        evaluation = entry["evaluation"]
        out.print(
            f"{name}: {entry['parameters']:,} parameters, {entry['bytes'] / 1e6:.1f} MB, "
            f"accuracy {evaluation['overall']:.3f} on {evaluation['problems']} held-out problems"
        )


@app.command()
def table(
    n: Annotated[int, typer.Option(min=1, help="Held-out problems each model answers.")] = 480,
    seed: Annotated[int, typer.Option(help="Of the problems.")] = 1,
    models: Annotated[str, typer.Option(help="Which, separated by commas.")] = "tiny,small,large",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let the shipped models answer held-out problems and print accuracy by level and skill.

    Example: penstock lab table --n 960
    """
    from penstock.lab.evaluate import accuracy, answer
    from penstock.lab.tasks import generate
    from penstock.runtime.model import LanguageModel

    problems = generate(n, seed)
    measured: dict[str, Accuracy] = {}
    with progress() as display:
        names = _names(models)
        task = display.add_task("answering", total=len(names))
        for name in names:
            measured[name] = accuracy(answer(LanguageModel.load(name), problems))
            display.advance(task)
    if as_json:
        print_json(measured)
    else:
        out.print(_table(measured))


@app.command()
def generate(
    out_file: Annotated[Path, typer.Option("--out", help="JSON-lines file to write.")],
    n: Annotated[int, typer.Option(min=1, help="How many problems.")] = 300,
    seed: Annotated[int, typer.Option(help="The same seed gives the same problems.")] = 1,
    held_out: Annotated[
        bool, typer.Option("--held-out/--training", help="Never trained on, or the rest.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
) -> None:
    """Draw distinct problems with their references, one JSON object per line.

    Example: penstock lab generate --n 300 --seed 1 --out queries.jsonl
    """
    from penstock.errors import InputError
    from penstock.lab import tasks

    problems = tasks.generate(n, seed, held_out=held_out)
    lines = [
        json.dumps(
            {
                "query_id": problem.id,
                "prompt": problem.prompt,
                "task": problem.skill,
                "level": problem.level,
                "reference": problem.reference,
                "group": problem.id,
            }
        )
        for problem in problems
    ]
    try:
        out_file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", file=out_file) from error
    if as_json:
        print_json({"file": out_file, "problems": len(problems), "seed": seed, "held_out": held_out})
    else:
        err.print(f"wrote {len(problems)} problems to {out_file}")


def _names(models: str) -> tuple[str, ...]:
    from penstock.errors import InputError

    names = tuple(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    if not names:
        raise InputError("no model is named", field="--models")
    return names


def _table(measured: dict[str, Accuracy]) -> Table:
    """Rows: models. Columns: overall, levels, skills, mean length."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    first = next(iter(measured.values()))
    table = Table(box=SIMPLE_HEAD, title="right answers, %", padding=0, pad_edge=False)
    table.add_column("model", no_wrap=True)
    for name in ("all", *(f"L{level}" for level in first.by_level), *first.by_skill, "tokens"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, result in measured.items():
        shares = (result.overall, *result.by_level.values(), *result.by_skill.values())
        table.add_row(
            name,
            *("-" if share is None else f"{100 * share:.0f}" for share in shares),
            "-" if result.mean_tokens is None else f"{result.mean_tokens:.0f}",
        )
    return table
